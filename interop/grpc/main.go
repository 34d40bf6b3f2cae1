// Command grpc runs the interop client and server of grpc-go through the
// gateway, over TLS and without it on either side, as a user who is logged in.
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

// cases are the client's test cases, the last two of which the server doesn't know.
var cases = []string{
	"empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
	"status_code_and_message", "special_status_message", "custom_metadata", "timeout_on_sleeping_server",
	"cancel_after_begin", "cancel_after_first_response", "unimplemented_method", "unimplemented_service",
}

// caseLimit is how long one case may take.
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
	return compare(ctx, r, client, caller{h2c, http.DefaultClient, nil}, caller{tls, cert.Client(), []string{
		"--use_tls", "--use_test_ca", "--ca_file", cert.File, "--server_host_override", "localhost",
	}})
}

// caller is how a client gets to one of the gateways.
type caller struct {
	*rig.Gateway
	web   *http.Client
	flags []string // of the interop client
}

// compare runs every case by both ways.
func compare(ctx context.Context, r *rig.Rig, client string, ways ...caller) error {
	table := rig.NewTable("case", "h2c → gateway → h2c", "TLS → gateway → TLS")
	results := make([][]string, len(ways))
	for i, c := range ways {
		token, _, err := c.Login(ctx, c.web, "alice")
		if err != nil {
			return err
		}
		for _, name := range cases {
			out, err := c.call(ctx, client, name, "--additional_metadata", "authorization:Bearer "+token)
			if err != nil {
				fmt.Printf("%s: %v\n%s\n", name, err, out)
			}
			results[i] = append(results[i], r.Check(err == nil))
		}
		out, err := c.call(ctx, client, "empty_unary")
		results[i] = append(results[i], r.Check(err != nil && strings.Contains(out, "Unauthenticated")))
	}
	for n, name := range append(slices.Clone(cases), "empty_unary without a token: Unauthenticated") {
		table.Add(name, results[0][n], results[1][n])
	}
	table.Print("grpc-go interop, route with auth: required")
	return nil
}

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

// routes is a config with one route. Calls may take any time to begin answering.
func routes(url, ca string) string {
	return fmt.Sprintf("routes: [{path: /, methods: [POST], timeout: 60s, upstreams: [{url: %q, ca_file: %q}]}]\n", url, ca)
}

// call runs one case of the client and gives what it prints.
func (c caller) call(ctx context.Context, client, name string, flags ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	_, port, err := net.SplitHostPort(c.Address)
	if err != nil {
		return "", err
	}
	args := slices.Concat(c.flags, flags, []string{"--server_host", "127.0.0.1", "--server_port", port, "--test_case", name})
	out, err := exec.CommandContext(ctx, client, args...).CombinedOutput()
	return string(out), err
}
