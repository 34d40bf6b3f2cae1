package probe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Grade is how the suite rates an outcome.
type Grade int

const (
	Failed Grade = iota
	Warned
	Passed
)

// Grade grades an outcome by c.Pass and c.Warn. More than one response to a single step is
// always a failure: the server took a part of the body for a request.
func (c Case) Grade(o Outcome) Grade {
	if len(c.Steps) == 1 && len(o.Responses) > 1 {
		return Failed
	}
	if c.matchesAny(o, c.Pass) {
		return Passed
	}
	if c.matchesAny(o, c.Warn) {
		return Warned
	}
	return Failed
}

func (c Case) matchesAny(o Outcome, patterns string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(pattern string) bool { return c.matches(o, pattern) })
}

// matches compares an outcome with one of the patterns that the comment on Case lists.
func (c Case) matches(o Outcome, pattern string) bool {
	if len(o.Responses) == 0 {
		return pattern == "close" && o.Closed || pattern == "timeout" && !o.Closed
	}
	first := o.Responses[0]
	switch pattern {
	case "echo":
		return is2xx(first) && c.echoed(o.Bodies[0])
	case "clean":
		return len(o.Responses) == len(c.Steps) && !slices.ContainsFunc(o.Responses, func(r *http.Response) bool { return !is2xx(r) })
	case "poisoned":
		return len(o.Responses) > 1 && is2xx(first) && !is2xx(o.Responses[1])
	case "204-cl":
		return first.StatusCode == http.StatusNoContent && first.Header.Get("Content-Length") == ""
	case "date":
		_, err := time.Parse(http.TimeFormat, first.Header.Get("Date"))
		return is2xx(first) && err == nil
	}
	status, condition, _ := strings.Cut(pattern, "+")
	if status == "*" {
		return len(o.Responses) == 1 && o.meets(condition)
	}
	return matchesStatus(fmt.Sprint(first.StatusCode), status) && o.meets(condition)
}

// meets checks what follows the + of a pattern.
func (o Outcome) meets(condition string) bool {
	first := o.Responses[0]
	switch condition {
	case "close":
		return o.Closed && len(o.Responses) == 1
	case "nobody":
		return o.Bodies[0] == ""
	case "allow":
		return first.Header.Get("Allow") != ""
	case "type":
		return first.Header.Get("Content-Type") != ""
	}
	return true
}

// matchesStatus compares a status with 400, 2xx, !101, !1xx or 2xx-206.
func matchesStatus(status, pattern string) bool {
	if except, ok := strings.CutPrefix(pattern, "!"); ok {
		return !matchesStatus(status, except)
	}
	pattern, except, _ := strings.Cut(pattern, "-")
	if except == status {
		return false
	}
	class, isClass := strings.CutSuffix(pattern, "xx")
	return status == pattern || isClass && strings.HasPrefix(status, class)
}

func is2xx(r *http.Response) bool { return r.StatusCode/100 == 2 }

// echoed reports whether the response has the body that the first step sent, without the
// framing of chunks.
func (c Case) echoed(body string) bool {
	for _, sent := range []string{"hello world", "helloworld", "hello"} {
		if strings.Contains(strings.ReplaceAll(c.Steps[0], "\r\n6\r\n", ""), sent) {
			return strings.Contains(body, sent)
		}
	}
	return true
}
