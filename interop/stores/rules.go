package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The errors of Alibaba Cloud's cluster edition, literally.
const (
	badScript = "ERR bad lua script for redis cluster, all the keys that the script uses should be passed using the KEYS array"
	noKeys    = "ERR for redis cluster, eval/evalsha number of keys can't be negative or zero"
	slots     = "ERR eval/evalsha command keys must be in same slot"
)

// refusal returns the error of a command, or "" when it is allowed.
func refusal(args []string) string {
	if len(args) == 0 {
		return ""
	}
	switch command := strings.ToUpper(args[0]); {
	case command == "SCRIPT" && len(args) > 2 && strings.EqualFold(args[1], "LOAD"):
		return checkScript(args[2])
	case (command == "EVAL" || command == "EVALSHA") && len(args) > 1:
		if command == "EVAL" && checkScript(args[1]) != "" {
			return checkScript(args[1])
		}
		return checkKeys(args[2:])
	}
	return ""
}

var (
	call    = regexp.MustCompile(`redis\s*\.\s*p?call\s*\(\s*['"](\w+)['"]\s*,\s*([^,)]+)`)
	anyCall = regexp.MustCompile(`\bredis\s*\.\s*p?call\b`)
	literal = regexp.MustCompile(`^KEYS\[\d+\]$`)
	comment = regexp.MustCompile(`--[^\n]*`)
	pubsub  = regexp.MustCompile(`(?i)^p?(un)?subscribe$|^s?publish$|^pubsub$`)
)

// checkScript requires the literal KEYS[n] as the key of each command in a script, and
// refuses to publish from within a script.
func checkScript(script string) string {
	script = comment.ReplaceAllString(script, "")
	calls := call.FindAllStringSubmatch(script, -1)
	if len(calls) != len(anyCall.FindAllString(script, -1)) {
		return badScript
	}
	for _, c := range calls {
		if pubsub.MatchString(c[1]) || !literal.MatchString(strings.TrimSpace(c[2])) {
			return badScript
		}
	}
	return ""
}

// checkKeys requires at least one key, and all keys in one hash slot.
func checkKeys(args []string) string {
	if len(args) == 0 {
		return noKeys
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || n >= len(args)+1 {
		return noKeys
	}
	for _, key := range args[1 : n+1] {
		if hashTag(key) != hashTag(args[1]) {
			return slots
		}
	}
	return ""
}

// hashTag returns the part of a key that determines its slot: the hash tag in braces, or the
// whole key when it has none.
func hashTag(key string) string {
	if _, after, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(after, "}"); ok && tag != "" {
			return fmt.Sprintf("{%s}", tag)
		}
	}
	return key
}
