package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The refusals of Alibaba Cloud's cluster edition, in its words.
const (
	badScript = "ERR bad lua script for redis cluster, all the keys that the script uses should be passed using the KEYS array"
	noKeys    = "ERR for redis cluster, eval/evalsha number of keys can't be negative or zero"
	slots     = "ERR eval/evalsha command keys must be in same slot"
)

// refusal says why a command is refused, "" for none.
func refusal(args []string) string {
	if len(args) == 0 {
		return ""
	}
	switch command := strings.ToUpper(args[0]); {
	case command == "SCRIPT" && len(args) > 2 && strings.EqualFold(args[1], "LOAD"):
		return badText(args[2])
	case command == "EVAL" || command == "EVALSHA":
		if command == "EVAL" && badText(args[1]) != "" {
			return badText(args[1])
		}
		return badKeys(args[2:])
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

// badText wants KEYS[n], to the letter, where a command has its key. There is no
// publishing from within a script.
func badText(script string) string {
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

// badKeys wants one key at least, and all in one slot.
func badKeys(args []string) string {
	if len(args) == 0 {
		return noKeys
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || n >= len(args)+1 {
		return noKeys
	}
	for _, key := range args[1 : n+1] {
		if slot(key) != slot(args[1]) {
			return slots
		}
	}
	return ""
}

// slot is the text that a key's slot is made of: its hash tag, if it has one.
func slot(key string) string {
	if _, after, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(after, "}"); ok && tag != "" {
			return fmt.Sprintf("{%s}", tag)
		}
	}
	return key
}
