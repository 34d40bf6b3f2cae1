package config

import (
	"os"
	"strings"
	"testing"
)

// Mistakes that new users make, and the correction in the message.
func TestErrorsForCommonMistakesSayWhatToWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		// Full-width characters.
		"listen：\":8080\"\nlog: {level: info}": "config.yaml:1: is not valid YAML: the line has a full-width '：': write \":\"",
		"log: {level: info}\nlisten：\":8080\"": "config.yaml:2: is not valid YAML: the line has a full-width '：': write \":\"",
		"log：\n  level: info":                  "config.yaml:1: is not valid YAML: the line has a full-width '：'",
		"log:\n  level：info":                   "log: must be a mapping, not text (the line has a full-width '：': write \":\")",
		"log: {level： info}":                   "unknown key (the line has a full-width '：'",
		"listen: “:8080”":                      "is not an address such as \":8080\" (the line has a full-width '“'",
		"log: {level: info，format: json}":      "(the line has a full-width '，': write \",\")",
		inRoute("path: ‘/api/’"):               "doesn't begin with / (the line has a full-width '‘'",
		"log: {level: loud} # 日志：级别":           "config.yaml:1: log.level: \"loud\" is not one of debug, info, warn, error\n",

		// Tabs, spaces, indentation.
		"log:\n\tlevel: info":                       "config.yaml:2: is not valid YAML: the line is indented by a tab: write spaces",
		"log:\n  level: info\n\tformat: json":       "config.yaml:3: is not valid YAML: the line is indented by a tab",
		"log:\n  level: info\n   format: json":      "config.yaml:3: is not valid YAML: the line is indented by 3 spaces, deeper than the line above, which holds a value: write 2 spaces",
		"log:\n  level: info\n format: json":        "config.yaml:3: is not valid YAML: the line is indented by 1 space, which is neither that of the keys above nor of their parent: write 2 spaces",
		" listen: ':1'\nlog: {level: info}":         "config.yaml:2: is not valid YAML: the line is indented by no space, which is neither that of the keys above nor of their parent: write 1 space",
		"routes:\n  - path: /api/\n     auth: none": "config.yaml:3: is not valid YAML: the line is indented by 5 spaces, deeper than the line above, which holds a value: write 4 spaces",
		"listen:\":8080\"":                          "config.yaml:1: is not valid YAML: write a space after the colon of listen:",
		"log:\n  level:info":                        "log: must be a mapping, not text (write a space after the colon of level:)",
		"redis:\naddrs: ['a:1']":                    "redis: has no value: add one, indenting its keys below it, or remove the key",

		// Addresses and URLs.
		"listen: 8080":                  `listen: 8080 is a port alone: write ":8080"`,
		"listen: '8080'":                `write ":8080"`,
		"admin: {listen: 9090}":         `admin.listen: 9090 is a port alone: write ":9090"`,
		"listen: http://127.0.0.1:8080": `is a URL: write an address such as ":8080"`,
		"listen: localhost":             `write "localhost:8080"`,
		"redis: {addrs: ['redis://:hunter2@r.internal:6379/0']}": `redis.addrs[0]: must be an address, not a URL: write "r.internal:6379" (user, password and number go to redis.username, redis.password and redis.db)`,
		"redis: {addrs: ['rediss://r.internal:6380']}":           `rediss is redis.tls: true`,
		"redis: {addrs: [6379]}":                                 `write "127.0.0.1:6379"`,
		"redis: {addrs: r.internal:6379}":                        `redis.addrs: must be a list, not text: write ["r.internal:6379"]`,
		inRoute("upstreams: ['10.0.0.5:8080']"):                  "has no scheme: write http://10.0.0.5:8080 or https://10.0.0.5:8080",
		inRoute("upstreams: [localhost:3000]"):                   "has no scheme: write http://localhost:3000",
		inRoute("upstreams: [3000]"):                             "has no scheme: write http://127.0.0.1:3000",
		inRoute("upstreams: http://127.0.0.1:3000"):              `upstreams: must be a list, not text: write ["http://127.0.0.1:3000"]`,
		"wechat: {api_base: api.weixin.qq.com}":                  "write http://api.weixin.qq.com or https://api.weixin.qq.com",

		// Scalars for lists, and lists for scalars.
		"trusted_proxies: 10.0.0.0/8":      "trusted_proxies: must be a list, not text: write [10.0.0.0/8]",
		inRoute("methods: GET, POST"):      "methods: must be a list, not text: write [GET, POST]",
		inRoute("require: {roles: admin}"): "write [admin]",
		"secrets: hunter2hunter2":          "secrets: must be a list, not text: write [ ] around it",
		"apps:\n  appid: wx1\n  secret: x": `apps: must be a list, not a mapping: write "- " in front of its first key`,
		"apps: wx1":                        "apps: must be a list, not text",

		// Durations, sizes, rates.
		"session: {idle_timeout: 7d}":        "write 168h",
		"session: {idle_timeout: 7 days}":    "write 168h",
		"session: {idle_timeout: 2w}":        "write 336h",
		"session: {idle_timeout: 9999999h}":  `"9999999h" is not a duration such as 300ms, 5s or 2h` + "\n",
		"session: {idle_timeout: 30天}":       "write 720h",
		"shutdown_timeout: 30":               "write 30s, 30m or 30h",
		"shutdown_timeout: 30sec":            "write 30s",
		"shutdown_timeout: 30 s":             "write 30s",
		"shutdown_timeout: 5min":             "write 5m",
		"limits: {max_body: 10MB}":           "write 10MiB",
		"limits: {max_body: 10M}":            "write 10MiB",
		"limits: {max_body: 512kb}":          "write 512KiB",
		"limits: {login_per_ip: 30}":         "write 30/s, 30/m or 30/h",
		"limits: {login_per_ip: 30/min}":     "write 30/m",
		"limits: {login_per_ip: 5 / second}": "write 5/s",

		// Quotes where they help, and only there.
		"apps: [{appid: 12345, secret: x}]": "put 12345 in quotes",
		"redis: {password: 123456}":         "redis.password: must be text, not a whole number: put it in quotes",
		"redis: {db: '0'}":                  "write 0, without quotes",
		"redis: {tls: 'true'}":              "write true, without quotes",
		"redis: {tls: yes}":                 "write true, without quotes",
		inRoute("websocket: off"):           "write false, without quotes",
		"log: {level: 1}":                   `log.level: "1" is not one of debug, info, warn, error`,
		inRoute("proof: true"):              `proof: "true" is not one of off, sign, report`,
	} {
		_, err := parse(t, withRequiredKeys(text))
		if err == nil || !strings.Contains(err.Error()+"\n", want) {
			t.Errorf("%s\nwant %s\ngot  %v", text, want, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is in %v", err)
		}
	}
}

func TestValidIndentationGetsNoHint(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(shippedConfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{
		string(text),
		"a:\n- b: 1\n  c: 2\n- d: 3\ne: 4",
		"a:\n  - b: 1\n    c:\n      - x\n      - y\n    d: 2\ne: 3",
		"a:\n    b: 1\n    c:\n      d: 2\n    e: 1\nf: {g: 1}",
		"a:\n  -\n    b: 1\n    c: 2",
	} {
		lines := strings.Split(good, "\n")
		if at, hint := indentationHint(lines, len(lines)); hint != "" {
			t.Errorf("line %d: %s in\n%s", at, hint, good)
		}
	}
}
