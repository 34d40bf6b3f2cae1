package main

import "testing"

func TestRefusalsOfAProxyThatChecksScripts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command []string
		want    string
	}{
		"a good script":       {[]string{"EVAL", "return redis.call('GET', KEYS[1])", "1", "{a}x"}, ""},
		"two keys of one tag": {[]string{"evalsha", "0123", "2", "{a}x", "{a}y", "arg"}, ""},
		"another command":     {[]string{"GET", "x"}, ""},
		"a local for KEYS":    {[]string{"SCRIPT", "LOAD", "local k = KEYS[1] return redis.call('GET', k)"}, badScript},
		"a computed key":      {[]string{"EVAL", "return redis.call('GET', KEYS[1] .. 'x')", "1", "a"}, badScript},
		"a key from ARGV":     {[]string{"EVAL", "return redis.pcall('GET', ARGV[1])", "1", "a"}, badScript},
		"publishing":          {[]string{"EVAL", "return redis.call('PUBLISH', KEYS[1], 'x')", "1", "a"}, badScript},
		"a computed command":  {[]string{"EVAL", "return redis.call(ARGV[1], KEYS[1])", "1", "a", "GET"}, badScript},
		"only in a comment":   {[]string{"EVAL", "-- redis.call('GET', k)\nreturn 1", "1", "a"}, ""},
		"no keys":             {[]string{"EVALSHA", "0123", "0"}, noKeys},
		"no arguments":        {[]string{"EVAL"}, ""},
		"two slots":           {[]string{"EVALSHA", "0123", "2", "{a}x", "{b}x"}, slots},
	} {
		if got := refusal(c.command); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
