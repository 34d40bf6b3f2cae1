// Command h2spec runs the HTTP/2 conformance suite of that name against the
// gateway's TLS listener, and against a bare Go server as a control: what fails
// at both is net/http's, what fails at the gateway alone is ours.
package main

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"time"

	"wxgate/interop/rig"
)

func main() { rig.Main(4*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	suite, err := r.Build(ctx, "interop/tools", "github.com/summerwind/h2spec/cmd/h2spec")
	if err != nil {
		return err
	}
	cert, err := r.NewCertificate()
	if err != nil {
		return err
	}
	backend := httptest.NewServer(http.HandlerFunc(hello))
	defer backend.Close()
	g, err := r.Gateway(ctx, fmt.Sprintf("routes: [{path: /, auth: none, upstreams: [%q]}]", backend.URL), cert)
	if err != nil {
		return err
	}
	bare, err := bareServer(cert)
	if err != nil {
		return err
	}
	defer bare.Close()
	ours, err := conform(ctx, suite, r.Path("gateway.xml"), g.Address)
	if err != nil {
		return err
	}
	theirs, err := conform(ctx, suite, r.Path("bare.xml"), bare.Addr().String())
	if err != nil {
		return err
	}
	report(r, ours, theirs)
	return nil
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "hello from the backend\n")
}

// bareServer is net/http with nothing around it.
func bareServer(c *rig.Certificate) (net.Listener, error) {
	pair, err := tls.LoadX509KeyPair(c.File, c.Key)
	if err != nil {
		return nil, err
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"},
	})
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(hello), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(ln) }()
	return ln, nil
}

// outcome is what came of each case, by the case's name: "" for passed.
type outcome map[string]string

// junit is h2spec's report.
type junit struct {
	Suites []struct {
		ID    string `xml:"id,attr"`
		Cases []struct {
			ClassName string  `xml:"classname,attr"`
			Skipped   *string `xml:"skipped"`
			Failure   *string `xml:"failure"`
			Error     *string `xml:"error"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// conform runs the suite, in its strict form, against an address.
func conform(ctx context.Context, suite, file, address string) (outcome, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, suite, "-t", "-k", "-S", "-h", host, "-p", port, "-j", file).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("h2spec wrote no report: %w\n%s", err, out)
	}
	var report junit
	if err := xml.Unmarshal(text, &report); err != nil {
		return nil, err
	}
	return report.outcome(), nil
}

func (j junit) outcome() outcome {
	o := outcome{}
	for _, suite := range j.Suites {
		for _, c := range suite.Cases {
			name := suite.ID + " " + c.ClassName
			switch {
			case c.Failure != nil:
				o[name] = *c.Failure
			case c.Error != nil:
				o[name] = *c.Error
			case c.Skipped != nil:
				o[name] = "skipped"
			default:
				o[name] = ""
			}
		}
	}
	return o
}

// why says what lies behind the cases that net/http is known not to pass.
var why = map[string]string{
	"4.2 Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE":                          "the suite takes 20 kB for too much whatever the server's SETTINGS allow, here 1 MiB",
	"6.5.3 Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE":                                            "hangs up on purpose when a SETTINGS frame says a thing twice",
	"8.1.2.2 Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"": "answers 400 where the suite wants a stream error",
	"8.1.2.2 Sends a HEADERS frame that contains the connection-specific header field":                       "answers 400 where the suite wants a stream error",
}

// report prints what didn't pass at either server. It is a failure if a case
// passes at the bare server and not at the gateway, or if hardly any ran.
func report(r *rig.Rig, ours, theirs outcome) {
	total := rig.NewTable("server", "cases", "passed", "not passed")
	total.Add(ours.counts("gateway")...)
	total.Add(theirs.counts("bare net/http")...)
	total.Print("h2spec, TLS listener, strict")
	names := slices.Compact(slices.Sorted(slices.Values(append(ours.bad(), theirs.bad()...))))
	judged := rig.NewTable("case", "gateway", "bare net/http", "whose", "why")
	for _, name := range names {
		judged.Add(name, word(ours[name]), word(theirs[name]), judge(r, ours[name], theirs[name]), why[name])
	}
	judged.Print("not passed")
	fmt.Println("\nran:", r.Check(len(ours) >= 90 && len(ours) == len(theirs)))
}

func (o outcome) counts(server string) []string {
	return []string{server, fmt.Sprint(len(o)), fmt.Sprint(len(o) - len(o.bad())), fmt.Sprint(len(o.bad()))}
}

func (o outcome) bad() []string {
	var names []string
	for name, failure := range o {
		if failure != "" {
			names = append(names, name)
		}
	}
	return names
}

func word(failure string) string {
	if failure == "" {
		return "passed"
	}
	return "not passed"
}

func judge(r *rig.Rig, ours, theirs string) string {
	switch {
	case ours == "":
		return "Go's; the gateway is stricter"
	case theirs != "":
		return "Go's"
	default:
		return "ours: " + r.Check(false)
	}
}
