// Package probe holds the cases of the public project MDA2AV/Http11Probe: what
// is sent, byte by byte, and which answers are right. It sends them to a server
// and tells how it did.
package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// Case is a case of the suite.
type Case struct {
	ID    string
	Steps []string // what is sent, one after the other; HOST is the server's address

	// Pass and Warn are the outcomes that are right, and those that the suite
	// only warns of, separated by blanks:
	//
	//	400, 2xx        this status
	//	!101            any answer but this status
	//	2xx+close       this status, and the connection is closed
	//	*+close         any single answer, and the connection is closed
	//	close, timeout  no answer, and the connection is closed or not
	//	echo            2xx, and the body is "hello" as far as one was sent
	//	clean           each step has its own 2xx
	//	poisoned        the second step's answer isn't 2xx
	//	204-cl          204 without a Content-Length
	Pass, Warn string

	Unscored bool // the suite doesn't count it
}

// Verdict is how a server did.
type Verdict int

const (
	Failed Verdict = iota
	Warned
	Passed
)

// Outcome is what came of a case.
type Outcome struct {
	Answers []*http.Response // the final ones, in their order
	Bodies  []string
	Closed  bool // by the server, within the wait
}

// String names the outcome for a table.
func (o Outcome) String() string {
	text := "no answer"
	if len(o.Answers) > 0 {
		var statuses []string
		for _, a := range o.Answers {
			statuses = append(statuses, fmt.Sprint(a.StatusCode))
		}
		text = strings.Join(statuses, ", ")
	}
	if o.Closed {
		text += ", closed"
	}
	return text
}

// Run sends a case to the server, and waits so long for each answer.
func Run(addr string, c Case, wait time.Duration) (Outcome, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return Outcome{}, err
	}
	defer conn.Close()
	var o Outcome
	r := bufio.NewReader(conn)
	for _, step := range c.Steps {
		go io.WriteString(conn, strings.ReplaceAll(step, "HOST", addr))
		if o.read(conn, r, step, wait); o.Closed {
			break
		}
	}
	return o, nil
}

// read reads answers until none comes any more.
func (o *Outcome) read(conn net.Conn, r *bufio.Reader, step string, wait time.Duration) {
	method, _, _ := strings.Cut(step, " ")
	for first := true; ; first = false {
		if !first {
			wait = 150 * time.Millisecond // for what nobody asked for, or the close
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			o.Closed = !errors.Is(err, os.ErrDeadlineExceeded)
			return
		}
		body, err := io.ReadAll(res.Body)
		if res.StatusCode == http.StatusContinue {
			continue
		}
		o.Answers, o.Bodies = append(o.Answers, res), append(o.Bodies, string(body))
		if err != nil {
			o.Closed = !errors.Is(err, os.ErrDeadlineExceeded)
			return
		}
	}
}

// Judge tells how good the outcome is.
func (c Case) Judge(o Outcome) Verdict {
	if len(c.Steps) == 1 && len(o.Answers) > 1 {
		return Failed // the body was taken for a request
	}
	if slices.ContainsFunc(strings.Fields(c.Pass), func(want string) bool { return c.is(o, want) }) {
		return Passed
	}
	if slices.ContainsFunc(strings.Fields(c.Warn), func(want string) bool { return c.is(o, want) }) {
		return Warned
	}
	return Failed
}

func (c Case) is(o Outcome, want string) bool {
	if len(o.Answers) == 0 {
		return want == "close" && o.Closed || want == "timeout" && !o.Closed
	}
	first := o.Answers[0]
	status := fmt.Sprint(first.StatusCode)
	switch want {
	case "echo":
		return is2xx(first) && c.echoed(o.Bodies[0])
	case "clean":
		return len(o.Answers) == len(c.Steps) && !slices.ContainsFunc(o.Answers, func(a *http.Response) bool { return !is2xx(a) })
	case "poisoned":
		return len(o.Answers) > 1 && is2xx(first) && !is2xx(o.Answers[1])
	case "204-cl":
		return first.StatusCode == http.StatusNoContent && first.Header.Get("Content-Length") == ""
	case "date":
		_, err := time.Parse(http.TimeFormat, first.Header.Get("Date"))
		return is2xx(first) && err == nil
	}
	want, extra, _ := strings.Cut(want, "+")
	ok := want == "*" && len(o.Answers) == 1 || matches(status, want)
	switch extra {
	case "close":
		return ok && o.Closed && len(o.Answers) == 1
	case "nobody":
		return ok && o.Bodies[0] == ""
	case "allow":
		return ok && first.Header.Get("Allow") != ""
	case "type":
		return ok && first.Header.Get("Content-Type") != ""
	}
	return ok
}

// matches compares a status with 400, 2xx, !101, !1xx or 2xx-206.
func matches(status, want string) bool {
	if except, ok := strings.CutPrefix(want, "!"); ok {
		return !matches(status, except)
	}
	want, except, _ := strings.Cut(want, "-")
	if except == status {
		return false
	}
	family, isFamily := strings.CutSuffix(want, "xx")
	return status == want || isFamily && strings.HasPrefix(status, family)
}

func is2xx(r *http.Response) bool { return r.StatusCode/100 == 2 }

// echoed: the server's application says what it was sent.
func (c Case) echoed(body string) bool {
	for _, said := range []string{"hello world", "helloworld", "hello"} {
		if strings.Contains(strings.ReplaceAll(c.Steps[0], "\r\n6\r\n", ""), said) {
			return strings.Contains(body, said)
		}
	}
	return true
}

// garbage is the same at each run.
func garbage() string {
	rng := rand.New(rand.NewPCG(42, 42))
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

func chunked(body string) string {
	return "POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n" + body
}

func coded(line string) string {
	return "POST / HTTP/1.1\r\nHost: HOST\r\n" + line + "\r\nContent-Length: 5\r\n\r\nhello"
}

const (
	anotherHead = " / HTTP/1.1\r\nHost: HOST\r\n\r\n"

	// hostLength is that of 127.0.0.1:12345, which HOST becomes.
	hostLength = len("127.0.0.1:12345")
)

// smuggled hides a request behind an empty chunked body.
func smuggled(method, length, coding string) string {
	body := "0\r\n\r\n" + method + anotherHead
	return "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: " + fmt.Sprintf(length, sized(body)) + "\r\n" + coding + "\r\n\r\n" + body
}

// sized is the length of a text once HOST is replaced.
func sized(text string) int {
	return len(text) + strings.Count(text, "HOST")*(hostLength-len("HOST"))
}

func smuggledChunk() string {
	hidden := "GET / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 7\r\n\r\n"
	return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", sized(hidden), hidden)
}

func smuggledBehind(before, lines string) string {
	body := before + "GET" + anotherHead
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: HOST\r\n%sContent-Length: %d\r\n\r\n%s", lines, sized(body), body)
}

func smuggledPrefix() string {
	prefix := "GET / HTTP/1.1\r\nHost: HOST\r\n"
	return fmt.Sprintf("GET / HTTP/1.1\r\nHost: HOST\r\nContent-Length: %d\r\n\r\n%s", sized(prefix), prefix)
}
