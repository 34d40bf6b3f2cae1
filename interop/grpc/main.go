// Command grpc runs the interop client and server of grpc-go through the gateway, with and
// without TLS, as a logged-in user.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"wxgate/interop/rig"
)

// cases are the client's test cases. The last two call what the server doesn't implement.
var cases = []string{
	"empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
	"status_code_and_message", "special_status_message", "custom_metadata", "timeout_on_sleeping_server",
	"cancel_after_begin", "cancel_after_first_response", "unimplemented_method", "unimplemented_service",
}

// caseLimit is the time limit of one case.
const caseLimit = 30 * time.Second

func main() { rig.Main(5*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	client, err := r.Build(ctx, "interop/tools", "google.golang.org/grpc/interop/client")
	if err != nil {
		return err
	}
	server, err := r.Build(ctx, "interop/tools", "google.golang.org/grpc/interop/server")
	if err != nil {
		return err
	}
	cert, err := r.NewCertificate()
	if err != nil {
		return err
	}
	plain, err := startServer(ctx, r, "server", server)
	if err != nil {
		return err
	}
	secure, err := startServer(ctx, r, "server-tls", server, "--use_tls", "--tls_cert_file", cert.File, "--tls_key_file", cert.Key)
	if err != nil {
		return err
	}
	h2c, err := r.Gateway(ctx, routes("h2c://"+plain, ""), nil)
	if err != nil {
		return err
	}
	tls, err := r.Gateway(ctx, routes("https://"+secure, cert.File), cert)
	if err != nil {
		return err
	}
	plaintext := caller{h2c, http.DefaultClient, client, nil}
	encrypted := caller{tls, cert.Client(), client, []string{
		"--use_tls", "--use_test_ca", "--ca_file", cert.File, "--server_host_override", "localhost",
	}}
	return compare(ctx, r, plaintext, encrypted)
}

// caller runs the interop client against one of the gateways.
type caller struct {
	*rig.Gateway
	http   *http.Client // for the login
	client string       // path of the interop client
	flags  []string     // of the interop client
}

// compare runs every case with both callers and prints the table.
func compare(ctx context.Context, r *rig.Rig, plaintext, encrypted caller) error {
	first, err := plaintext.runCases(ctx, r)
	if err != nil {
		return err
	}
	second, err := encrypted.runCases(ctx, r)
	if err != nil {
		return err
	}
	table := rig.NewTable("case", "h2c → gateway → h2c", "TLS → gateway → TLS")
	for n, name := range append(slices.Clone(cases), "empty_unary without a token: Unauthenticated") {
		table.Add(name, first[n], second[n])
	}
	table.Print("grpc-go interop, route with auth: required")
	return nil
}

// runCases runs every case as a logged-in user, and one without a token. It returns a cell
// for each.
func (c caller) runCases(ctx context.Context, r *rig.Rig) (cells []string, err error) {
	token, _, err := c.Login(ctx, c.http, "alice")
	if err != nil {
		return nil, err
	}
	for _, name := range cases {
		out, err := c.call(ctx, name, "--additional_metadata", "authorization:Bearer "+token)
		if err != nil {
			fmt.Printf("%s: %v\n%s\n", name, err, out)
		}
		cells = append(cells, r.Check(err == nil))
	}
	out, err := c.call(ctx, "empty_unary")
	return append(cells, r.Check(err != nil && strings.Contains(out, "Unauthenticated"))), nil
}

// startServer starts an interop server and returns its address.
func startServer(ctx context.Context, r *rig.Rig, name, bin string, flags ...string) (string, error) {
	port, err := r.Port()
	if err != nil {
		return "", err
	}
	address := net.JoinHostPort("localhost", strconv.Itoa(port.Number))
	p, err := r.Start(name, exec.Command(bin, append(flags, "--port", strconv.Itoa(port.Number))...))
	if err != nil {
		return "", err
	}
	return address, p.Listening(ctx, "tcp", address)
}

// routes returns a config with one route, whose timeout is longer than any case.
func routes(url, ca string) string {
	return fmt.Sprintf("routes: [{path: /, methods: [POST], timeout: 60s, upstreams: [{url: %q, ca_file: %q}]}]\n", url, ca)
}

// call runs one case of the interop client and returns its output.
func (c caller) call(ctx context.Context, name string, flags ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	_, port, err := net.SplitHostPort(c.Address)
	if err != nil {
		return "", err
	}
	args := slices.Concat(c.flags, flags, []string{"--server_host", "127.0.0.1", "--server_port", port, "--test_case", name})
	out, err := exec.CommandContext(ctx, c.client, args...).CombinedOutput()
	return string(out), err
}
