package main

import "testing"

func TestRulesOfProxiesThatCheckScripts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command []string
		want    string
	}{
		"a good script":          {[]string{"EVAL", "return redis.call('GET', KEYS[1])", "1", "{a}x"}, ""},
		"two keys of one tag":    {[]string{"evalsha", "0123", "2", "{a}x", "{a}y", "arg"}, ""},
		"another command":        {[]string{"GET", "x"}, ""},
		"a local in KEYS' place": {[]string{"SCRIPT", "LOAD", "local k = KEYS[1] return redis.call('GET', k)"}, badScript},
		"a key that is made":     {[]string{"EVAL", "return redis.call('GET', KEYS[1] .. 'x')", "1", "a"}, badScript},
		"a key of ARGV":          {[]string{"EVAL", "return redis.pcall('GET', ARGV[1])", "1", "a"}, badScript},
		"publishing":             {[]string{"EVAL", "return redis.call('PUBLISH', KEYS[1], 'x')", "1", "a"}, badScript},
		"a command that is made": {[]string{"EVAL", "return redis.call(ARGV[1], KEYS[1])", "1", "a", "GET"}, badScript},
		"only in a comment":      {[]string{"EVAL", "-- redis.call('GET', k)\nreturn 1", "1", "a"}, ""},
		"no keys":                {[]string{"EVALSHA", "0123", "0"}, noKeys},
		"two slots":              {[]string{"EVALSHA", "0123", "2", "{a}x", "{b}x"}, slots},
	} {
		if got := refusal(c.command); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
