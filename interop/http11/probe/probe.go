// Package probe has the cases of the public project MDA2AV/Http11Probe: the bytes that are
// sent, and the outcomes that are right. It sends them to a server and grades the outcome.
package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Case is one case of the suite.
type Case struct {
	ID    string
	Steps []string // what is sent, in this order on one connection; HOST stands for the server's address

	// Pass and Warn are patterns of outcomes, separated by spaces: those that are right, and
	// those that the suite only warns about.
	//
	//	400, 2xx        the first response has this status
	//	2xx-206         any of these statuses but the one behind the hyphen
	//	!101            any status but this one
	//	2xx+close       this status, no second response, and the server closes the connection
	//	2xx+nobody      this status and an empty body; +allow, +type: with Allow, Content-Type
	//	*+close         one response with any status, and the server closes the connection
	//	close, timeout  no response, and the server closes the connection, or doesn't
	//	echo            2xx with the body that was sent, if one was
	//	clean           a 2xx for each step
	//	poisoned        2xx for the first step, another status for the second
	//	204-cl          204 without a Content-Length
	//	date            2xx with a valid Date
	Pass, Warn string

	Unscored bool // the suite doesn't count it
}

// Outcome is how a server reacted to a case.
type Outcome struct {
	Responses []*http.Response // without 100 Continue, in their order; the bodies are read
	Bodies    []string         // those of Responses
	Closed    bool             // by the server, within the time limit
}

// String describes the outcome for a table.
func (o Outcome) String() string {
	text := "no response"
	if len(o.Responses) > 0 {
		var statuses []string
		for _, r := range o.Responses {
			statuses = append(statuses, fmt.Sprint(r.StatusCode))
		}
		text = strings.Join(statuses, ", ")
	}
	if o.Closed {
		text += ", closed"
	}
	return text
}

// trailingLimit is how long the client waits for an unrequested response or for the close,
// after a response.
const trailingLimit = 150 * time.Millisecond

// Run sends a case to the server at addr. It waits for the first response to each step no
// longer than limit. An error means that the server couldn't be reached.
func Run(addr string, c Case, limit time.Duration) (Outcome, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return Outcome{}, err
	}
	defer conn.Close()
	var o Outcome
	r := bufio.NewReader(conn)
	for _, step := range c.Steps {
		go io.WriteString(conn, strings.ReplaceAll(step, "HOST", addr)) // a server may close before it has read all
		if o.read(conn, r, step, limit); o.Closed {
			break
		}
	}
	return o, nil
}

// read reads responses until no more arrive in time.
func (o *Outcome) read(conn net.Conn, r *bufio.Reader, step string, limit time.Duration) {
	method, _, _ := strings.Cut(step, " ")
	for {
		_ = conn.SetReadDeadline(time.Now().Add(limit))
		limit = trailingLimit
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			o.Closed = !errors.Is(err, os.ErrDeadlineExceeded)
			return
		}
		body, err := io.ReadAll(res.Body)
		if res.StatusCode == http.StatusContinue {
			continue
		}
		o.Responses, o.Bodies = append(o.Responses, res), append(o.Bodies, string(body))
		if err != nil {
			o.Closed = !errors.Is(err, os.ErrDeadlineExceeded)
			return
		}
	}
}
