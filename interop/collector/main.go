// Command collector has a gateway send its spans to an OpenTelemetry Collector, as protobuf
// and as JSON. The spans must have the names and attributes of docs/operations.md, must
// contain no secret, and must be as many as the gateway counts.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"wxgate/internal/testkit/process"
	"wxgate/interop/rig"
)

func main() { rig.Main(20*time.Minute, run) } // the first run builds the collector

func run(ctx context.Context, r *rig.Rig) error {
	bin, err := build(ctx, r)
	if err != nil {
		return err
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/fails" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer backend.Close()
	table := rig.NewTable("protocol", "spans counted", "spans received", "names and attributes", "secrets")
	for _, protocol := range []string{"http/protobuf", "http/json"} {
		if err := test(ctx, r, table, bin, protocol, backend.URL); err != nil {
			return fmt.Errorf("%s: %w", protocol, err)
		}
	}
	table.Print("spans in an OpenTelemetry Collector")
	return nil
}

// build compiles the collector once, into .cache.
func build(ctx context.Context, r *rig.Rig) (string, error) {
	bin := filepath.Join(r.Root, ".cache", "bin", "otelcol")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	fmt.Fprintln(os.Stderr, "building the collector once; this takes minutes")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, ".")
	cmd.Dir = filepath.Join(r.Root, "interop/collector/otelcol")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
}

// test starts a collector and a gateway, makes requests of each kind, and checks the spans
// after the gateway has stopped.
func test(ctx context.Context, r *rig.Rig, table *rig.Table, bin, protocol, backend string) error {
	otelcol, address, err := startCollector(ctx, r, bin)
	if err != nil {
		return err
	}
	redis, err := r.Redis(ctx)
	if err != nil {
		return err
	}
	g, err := r.Gateway(ctx, fmt.Sprintf(config, redis, address, protocol, backend), nil)
	if err != nil {
		return err
	}
	c := &caller{base: g.URL(""), admin: "http://" + g.Admin}
	if c.sim, err = r.Simulator(ctx); err != nil {
		return err
	}
	if err := c.makeRequests(ctx); err != nil {
		return err
	}
	counted, err := c.exportedSpans(ctx)
	if err != nil {
		return err
	}
	text, err := stop(ctx, g, otelcol, counted)
	if err != nil {
		return err
	}
	problems := checkDocumented(text)
	leaks := c.leaks(text)
	for _, problem := range append(problems, leaks...) {
		fmt.Fprintln(os.Stderr, protocol+":", problem)
	}
	received := len(spanStart.FindAllString(text, -1))
	table.Add(protocol, fmt.Sprint(counted), fmt.Sprint(received, " ", r.Check(received == counted)),
		fmt.Sprint(len(documented), " kinds ", r.Check(len(problems) == 0)), fmt.Sprint(len(leaks), " of ", len(c.secrets), " found ", r.Check(len(leaks) == 0)))
	return nil
}

// config disables the session cache, so that each request has spans of Redis.
const config = `redis: {addrs: [%q]}
session: {cache_ttl: 0s}
tracing: {endpoint: "http://%s", protocol: %s, sample: 1}
web: {cookie: __Host-wxgate}
public_origins: ["https://shop.example"]
routes:
  - {path: /api/, upstreams: [%q]}
  - {path: /gone/, upstreams: ["http://127.0.0.1:1"], auth: none}
  - {path: /h5/, upstreams: ["http://127.0.0.1:1"], credentials: [bearer, cookie], cookies: jar}
`

// startCollector starts a collector that prints every span, and returns its address.
func startCollector(ctx context.Context, r *rig.Rig, bin string) (*process.Process, string, error) {
	port, err := r.Port()
	if err != nil {
		return nil, "", err
	}
	file, err := r.Write(fmt.Sprintf("otelcol%d.yaml", port.Number), fmt.Sprintf(`
receivers: {otlp: {protocols: {http: {endpoint: %q}}}}
exporters: {debug: {verbosity: detailed}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
`, port.Addr()))
	if err != nil {
		return nil, "", err
	}
	p, err := r.Start("otelcol", exec.Command(bin, "--config", "file:"+file))
	if err != nil {
		return nil, "", err
	}
	return p, port.Addr(), p.Listening(ctx, "tcp", port.Addr())
}

// spanStart matches the first line of a span in the collector's output.
var spanStart = regexp.MustCompile(`(?m)^Span #\d+`)

// stop stops the gateway, which then sends its last spans, and returns the collector's
// output.
func stop(ctx context.Context, g *rig.Gateway, otelcol *process.Process, counted int) (string, error) {
	if err := g.Terminate(ctx); err != nil {
		return "", err
	}
	err := otelcol.Await(ctx, func() bool { return len(spanStart.FindAllString(otelcol.Output(), -1)) >= counted })
	return strings.ReplaceAll(otelcol.Output(), "\r", ""), err
}
