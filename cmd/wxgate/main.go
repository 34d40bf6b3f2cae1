// Command wxgate is an authentication gateway for WeChat mini programs: see
// `wxgate --help` and the README.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"wxgate/internal/config"
)

// cli is the command line. A bare wxgate serves.
type cli struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Run the gateway."`
	Dev     devCommand     `cmd:"" help:"Run everything on this machine: simulated WeChat, sample backend, gateway."`
	Sim     simCommand     `cmd:"" help:"Run the WeChat simulator alone."`
	Check   checkCommand   `cmd:"" help:"Validate the config file and print the effective configuration, secrets hidden."`
	Explain explainCommand `cmd:"" help:"Say which route a request matches, what it requires, and what the outcome would be."`
	Probe   probeCommand   `cmd:"" help:"Send valid and forged assertions to each upstream directly, and say which one accepts a forged one."`
	Keygen  keygenCommand  `cmd:"" help:"Print a fresh secret for the config's secrets."`
	Version versionCommand `cmd:"" help:"Print version, commit and Go version."`

	Healthcheck healthcheckCommand `cmd:"" help:"Check whether a running gateway is alive: exit status 0 if it is."`

	VersionFlag versionFlag `name:"version" help:"Print version, commit and Go version."`
}

// terminal is a command's standard output and standard error.
type terminal struct{ out, err io.Writer }

// warn prints a configuration's warnings, one line each.
func (t *terminal) warn(warnings []config.Problem) {
	for _, w := range warnings {
		fmt.Fprintf(t.err, "wxgate: warning: %v\n", w)
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)   // a second signal ends the process at once
	signal.Ignore(syscall.SIGPIPE) // the gateway must not end when the reader of its log does
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes the command that args name until it is done or ctx ends, and returns
// the exit status. Errors are printed to stderr, one per line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exited := false // the parser has printed help or the version
	parser, err := kong.New(&cli{},
		kong.Name("wxgate"),
		kong.Description("An authentication gateway for WeChat mini programs: it logs users in with WeChat, "+
			"keeps their sessions in Redis, and forwards requests with X-OpenID set."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&terminal{stdout, stderr}),
	)
	if err != nil {
		return report(stderr, err)
	}
	if err := refuseUnknownCommand(parser.Model, args); err != nil {
		return report(stderr, err)
	}
	command, err := parser.Parse(args)
	if exited {
		return exitOK
	}
	if err != nil {
		return report(stderr, usageError{err.Error()})
	}
	return report(stderr, command.Run())
}

// refuseUnknownCommand refuses a first argument that is not a command. The parser
// would interpret it as an argument of serve, the default command.
func refuseUnknownCommand(app *kong.Application, args []string) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return nil
	}
	var names []string
	for _, command := range app.Children {
		names = append(names, command.Name)
	}
	if slices.Contains(names, args[0]) {
		return nil
	}
	return usageError{"unknown command " + config.Quote(args[0]) + config.DidYouMean(args[0], names)}
}
