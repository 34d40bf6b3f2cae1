package session

import (
	"regexp"
	"strings"
	"testing"
)

// redisCall is the start of a call: its command and its first argument.
var redisCall = regexp.MustCompile(`redis\s*\.\s*p?call\s*\(\s*([^,()]*)\s*,?\s*([^,()]*)`)

// refusedByProxies returns what proxies refuse that read a script before they run it.
// Alibaba Cloud's cluster edition requires a literal KEYS[n] as a command's key, and
// refuses publish/subscribe, unpack, and a call within a call.
// https://help.aliyun.com/en/redis/support/usage-of-lua-scripts
func refusedByProxies(source string) (complaints []string) {
	var code strings.Builder
	for line := range strings.Lines(source) {
		before, _, _ := strings.Cut(line, "--")
		code.WriteString(before + "\n")
	}
	text := code.String()
	calls := redisCall.FindAllStringSubmatchIndex(text, -1)
	for i, at := range calls {
		command, key := strings.TrimSpace(text[at[2]:at[3]]), strings.TrimSpace(text[at[4]:at[5]])
		if !regexp.MustCompile(`^'[A-Z]+'$`).MatchString(command) {
			complaints = append(complaints, "a command that is no literal: "+command)
		}
		if !regexp.MustCompile(`^KEYS\[[1-9]\]$`).MatchString(key) {
			complaints = append(complaints, command+" takes "+key+" for its key")
		}
		if end := at[0] + closing(text[at[0]:]); i+1 < len(calls) && calls[i+1][0] < end {
			complaints = append(complaints, command+" has a call among its arguments")
		}
	}
	if n := strings.Count(text, "redis"); n != len(calls) {
		complaints = append(complaints, "redis is used for something else than a call")
	}
	for _, word := range []string{"unpack", "loadstring", "PUBLISH", "TIME", "KEYS[i", "#KEYS", "pcall"} {
		if strings.Contains(text, word) {
			complaints = append(complaints, word)
		}
	}
	if regexp.MustCompile(`\bKEYS\b`).MatchString(regexp.MustCompile(`\bKEYS\[[1-9]\]`).ReplaceAllString(text, "")) {
		complaints = append(complaints, "KEYS is used for something else than KEYS[n]")
	}
	return complaints
}

// closing is where the first parenthesis of text is closed.
func closing(text string) int {
	depth := 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

func TestScriptsPassProxiesThatReadThem(t *testing.T) {
	t.Parallel()
	files, err := scriptFiles.ReadDir("lua")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, f := range files {
		source, err := scriptFiles.ReadFile("lua/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range refusedByProxies(string(source)) {
			t.Errorf("%s: %s", f.Name(), complaint)
		}
		if !strings.Contains(string(source), "redis.call('") {
			t.Errorf("%s calls nothing", f.Name())
		}
	}
}

func TestProxyRulesFindWhatIsRefused(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"redis.call('GET', ARGV[1])", "local k = KEYS[1] redis.call('GET', k)", "redis.call('GET', KEYS[1] .. 'x')", "redis.call('GET', KEYS[i])",
		"redis.call('DEL', unpack(KEYS))", "redis.call('PUBLISH', ARGV[1], 'x')", "redis.call('TIME')", "redis.call(ARGV[1], KEYS[1])",
		"redis.pcall('GET', KEYS[1])", "redis.call('SET', KEYS[1], redis.call('GET', KEYS[2]))", "local c = redis.call", "redis.call('GET', 'fixed')",
	} {
		if len(refusedByProxies(source)) == 0 {
			t.Errorf("passes: %s", source)
		}
	}
	if c := refusedByProxies("redis.call('SET', KEYS[1], ARGV[1], 'PX', 5) -- KEYS and redis in words"); len(c) != 0 {
		t.Error(c)
	}
}
