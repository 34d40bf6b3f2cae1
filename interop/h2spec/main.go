// Command h2spec runs the HTTP/2 conformance suite h2spec against the gateway's TLS
// listener, and against a bare net/http server as a control: a case that fails at both is
// net/http's, a case that fails only at the gateway is the gateway's fault.
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
	atGateway, err := runSuite(ctx, suite, r.Path("gateway.xml"), g.Address)
	if err != nil {
		return err
	}
	atBare, err := runSuite(ctx, suite, r.Path("bare.xml"), bare.Addr().String())
	if err != nil {
		return err
	}
	report(r, atGateway, atBare)
	return nil
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "hello from the backend\n")
}

// bareServer starts a net/http server with the same handler as the backend.
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

// outcomes are the failures by the case's name; "" means passed.
type outcomes map[string]string

// junit is h2spec's report in JUnit's format.
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

// runSuite runs the suite with its strict cases against an address. The report goes to file.
func runSuite(ctx context.Context, suite, file, address string) (outcomes, error) {
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
	return report.outcomes(), nil
}

func (j junit) outcomes() outcomes {
	o := outcomes{}
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

// reasons explains the cases that net/http is known not to pass.
var reasons = map[string]string{
	"4.2 Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE":                          "the suite sends 20 kB, whatever the server's SETTINGS allow, here 1 MiB",
	"6.5.3 Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE":                                            "closes the connection on purpose when a SETTINGS frame has a parameter twice",
	"8.1.2.2 Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"": "responds with 400, the suite expects a stream error",
	"8.1.2.2 Sends a HEADERS frame that contains the connection-specific header field":                       "responds with 400, the suite expects a stream error",
}

// minCases is how many cases must have run: the suite has a few more.
const minCases = 90

// report prints the cases that didn't pass at either server. The check fails when a case
// passes at the bare server and not at the gateway, or when too few cases ran.
func report(r *rig.Rig, atGateway, atBare outcomes) {
	totals := rig.NewTable("server", "cases", "passed", "not passed")
	totals.Add(atGateway.counts("gateway")...)
	totals.Add(atBare.counts("bare net/http")...)
	totals.Print("h2spec, TLS listener, strict")
	names := slices.Compact(slices.Sorted(slices.Values(append(atGateway.failed(), atBare.failed()...))))
	table := rig.NewTable("case", "gateway", "bare net/http", "whose", "why")
	for _, name := range names {
		table.Add(name, describe(atGateway[name]), describe(atBare[name]), attribute(r, atGateway[name], atBare[name]), reasons[name])
	}
	table.Print("not passed")
	fmt.Println("\nran:", r.Check(len(atGateway) >= minCases && len(atGateway) == len(atBare)))
}

// counts is the row of a server in the table of totals.
func (o outcomes) counts(server string) []string {
	return []string{server, fmt.Sprint(len(o)), fmt.Sprint(len(o) - len(o.failed())), fmt.Sprint(len(o.failed()))}
}

// failed returns the names of the cases that didn't pass.
func (o outcomes) failed() []string {
	var names []string
	for name, failure := range o {
		if failure != "" {
			names = append(names, name)
		}
	}
	return names
}

func describe(failure string) string {
	if failure == "" {
		return "passed"
	}
	return "not passed"
}

// attribute names the origin of a failure.
func attribute(r *rig.Rig, atGateway, atBare string) string {
	switch {
	case atGateway == "":
		return "net/http; the gateway is stricter"
	case atBare != "":
		return "net/http"
	default:
		return "the gateway: " + r.Check(false)
	}
}
