// Command wxgate is an authentication gateway for WeChat mini programs: see
// `wxgate --help` and the README.
package main

import (
	"context"
	"errors"
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

// Exit statuses.
const (
	exitFine   = 0
	exitFailed = 1 // while running
	exitBad    = 2 // usage or config
)

// cli is the command line. A bare wxgate serves.
type cli struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Run the gateway."`
	Dev     devCommand     `cmd:"" help:"Run everything on this machine: simulated WeChat, sample backend, gateway."`
	Sim     simCommand     `cmd:"" help:"Run the WeChat simulator alone."`
	Check   checkCommand   `cmd:"" help:"Validate the config file and print the effective configuration, secrets hidden."`
	Explain explainCommand `cmd:"" help:"Say which route takes a request, what it asks for, and what the outcome would be."`
	Probe   probeCommand   `cmd:"" help:"Ask each upstream directly, with valid and forged assertions, and say which one accepts a forged one."`
	Keygen  keygenCommand  `cmd:"" help:"Print a fresh secret for the config's secrets."`
	Version versionCommand `cmd:"" help:"Print version, commit and Go version."`

	Healthcheck healthcheckCommand `cmd:"" help:"Ask a running gateway whether it is alive: exit status 0 where it is."`

	VersionFlag versionFlag `name:"version" help:"Print version, commit and Go version."`
}

// configFlag is the flag of the commands that read a config file.
type configFlag struct {
	Config string `default:"config.yaml" env:"WXGATE_CONFIG" placeholder:"FILE" help:"The config file (default: config.yaml)."`
}

// load reads the config file that the flag names.
func (c configFlag) load() (*config.Config, error) { return loadConfig(c.Config) }

// loadConfig reads a config file, and has package wechat read the keys that only it
// can read, so that a reload is refused whole.
func loadConfig(file string) (*config.Config, error) {
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if err := wechatConfig(cfg).Validate(); err != nil {
		return nil, config.Error{{File: file, Key: "apps", What: err.Error()}}
	}
	return cfg, nil
}

// terminal is where a command writes.
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
	signal.Ignore(syscall.SIGPIPE) // a reader of the log that goes away must not end the gateway
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command that args name until it is done or ctx ends, and gives
// the exit status. Errors are on stderr, one a line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	helped := false
	parser, err := kong.New(&cli{},
		kong.Name("wxgate"),
		kong.Description("An authentication gateway for WeChat mini programs: it logs users in with WeChat, "+
			"keeps their sessions in Redis, and forwards requests with X-OpenID set."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
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
	if helped {
		return exitFine
	}
	if err != nil {
		return report(stderr, usageError{err.Error()})
	}
	return report(stderr, command.Run())
}

// usageError is a command line that says nothing wxgate knows.
type usageError struct{ what string }

func (e usageError) Error() string { return e.what + "; see wxgate --help" }

// refuseUnknownCommand refuses a first word that is no command. Without it the parser
// would take the word for an argument of serve.
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

// report prints err, if there is one, and gives the exit status for it.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitFine
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(stderr, "wxgate: %s\n", line)
	}
	var usage usageError
	var invalid config.Error
	if errors.As(err, &usage) || errors.As(err, &invalid) {
		return exitBad
	}
	return exitFailed
}
