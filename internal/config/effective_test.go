package config

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The output of wxgate check is a config file with the same meaning.
func TestTheEffectiveConfigurationLoadsAgain(t *testing.T) {
	t.Parallel()
	c, err := Load(shippedConfig, shippedEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	c.Routes[0].RequestHeaders.Remove = []string{"Accept-Language"}
	c.TrustedProxies = []Network{{}}
	if err := c.TrustedProxies[0].UnmarshalText([]byte("10.1.2.3/8")); err != nil {
		t.Fatal(err)
	}
	printed := effective(t, c)
	again, err := Parse("printed", []byte(strings.Replace(printed, `"[redacted]"`, validSecret, 1)), environmentOf(nil))
	if err != nil {
		t.Fatalf("%v in\n%s", err, printed)
	}
	if second := effective(t, again); second != printed {
		t.Errorf("printed\n%s\nthen\n%s", printed, second)
	}
}

// The path of a web hook or a collector may be its credential.
func TestAURLThatMayHoldACredentialIsPrintedWithoutItsPath(t *testing.T) {
	t.Parallel()
	c, err := parse(t, withRequiredKeys("hooks: {login: {url: 'https://users.internal/hooks/hunter2?k=hunter2'}}\n"+
		"tracing: {endpoint: 'https://collector.internal/hunter2/v1/traces'}\n"+
		"apps: [{appid: wx1, secret: x, push: {upstream: 'https://push.internal/hunter2', token: abc, mode: plain}}]"))
	if err != nil {
		t.Fatal(err)
	}
	shown := effective(t, c)
	for _, host := range []string{"https://users.internal/", "https://collector.internal/", "https://push.internal/"} {
		if !strings.Contains(shown, host) {
			t.Errorf("%s is not in\n%s", host, shown)
		}
	}
	if strings.Contains(shown, "hunter2") {
		t.Errorf("a credential is in\n%s", shown)
	}
}

// Roles that YAML could parse as another type or as syntax.
func TestPrintedRolesParseAsTheSameText(t *testing.T) {
	t.Parallel()
	roles := []string{"yes", "null", "~", "true", "0x1", "1e3", "012", "1.5", "2024-01-01", "a: b", "#c", "a #c", "'q'", `"dq"`, `back\slash`,
		"- x", "*x", "&x", "!x", "%x", "@x", "`x", "{a}", "[a]", "a,b", "?", ":", "-", "|", ">", "=", "<<", "店", " a ", "$${x}"}
	c, err := parse(t, withRequiredKeys(inRoute("require: {roles: []}")))
	if err != nil {
		t.Fatal(err)
	}
	c.Routes[0].Require.Roles = roles
	again, err := parse(t, strings.Replace(effective(t, c), `"[redacted]"`, validSecret, 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Routes[0].Require.Roles; got[len(got)-1] != "${x}" || !slices.Equal(got[:len(got)-1], roles[:len(roles)-1]) {
		t.Errorf("want %q, got %q", roles, got)
	}
}

func TestHeaderRulesArePrintedSorted(t *testing.T) {
	t.Parallel()
	c, err := parse(t, withRequiredKeys(inRoute("request_headers: {set: {X-E: a, X-D: a, X-C: a, X-B: a, X-A: a}}")))
	if err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile(`X-[A-E]:`).FindAllString(effective(t, c), -1)
	if !slices.IsSorted(printed) || len(printed) != 5 {
		t.Errorf("got %v", printed)
	}
}
