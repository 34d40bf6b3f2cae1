// Command sdks runs WeChat server SDKs against the simulator and against the gateway's
// relay, with an access token of the gateway's too, and prints what each makes of it. A
// table that differs from docs/relay.md or docs/push.md fails the program.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"wxgate/interop/rig"
)

func main() { rig.Main(10*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	b, err := newTestbed(ctx, r)
	if err != nil {
		return err
	}
	if err := b.checkSnippet(); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{b.straightTable, b.relayTable, b.shortTokens, b.pushTable} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// testbed is what all SDKs of a run share.
type testbed struct {
	r      *rig.Rig
	sim    string // base URL of the simulated WeChat
	redis  string // address
	goBin  string // the driver of Go's SDK
	npmDir string // the drivers of npm's

	started, gateways int
}

func newTestbed(ctx context.Context, r *rig.Rig) (*testbed, error) {
	b := &testbed{r: r, npmDir: filepath.Join(r.Root, "interop/sdks/npm")}
	var err error
	if b.goBin, err = r.Build(ctx, "interop/sdks/silenceper", "wxgate/interop/sdks/silenceper"); err != nil {
		return nil, err
	}
	if b.sim, err = r.Simulator(ctx); err != nil {
		return nil, err
	}
	b.redis, err = r.Redis(ctx)
	return b, err
}

// command starts the driver of an SDK.
func (b *testbed) command(s sdk) *exec.Cmd {
	if s.npm == "" {
		return exec.Command(b.goBin)
	}
	return exec.Command("node", filepath.Join(b.npmDir, "driver.mjs"), s.npm)
}

// show prints a table, and fails the run where the document has another.
func (b *testbed) show(table *rig.Table, title, document string) error {
	table.Print(title)
	text, err := os.ReadFile(filepath.Join(b.r.Root, document))
	if err != nil {
		return err
	}
	for _, line := range table.Lines() {
		if !strings.Contains(string(text), line+"\n") {
			b.r.Check(false)
			fmt.Printf("not in %s: %s\n", document, line)
		}
	}
	return nil
}

// checkSnippet fails where the transport of docs/relay.md is not the one that is run.
func (b *testbed) checkSnippet() error {
	run, err := os.ReadFile(filepath.Join(b.r.Root, "interop/sdks/silenceper/relay.go"))
	if err != nil {
		return err
	}
	shown, err := os.ReadFile(filepath.Join(b.r.Root, "docs/relay.md"))
	if err != nil {
		return err
	}
	_, snippet, _ := strings.Cut(string(run), "// relayTransport")
	snippet, _, found := strings.Cut(snippet, "\n// tokenTransport")
	if !found || !strings.Contains(string(shown), snippet) {
		return errors.New("docs/relay.md shows another relayTransport")
	}
	return nil
}

// environment of a driver: the process's own, and what it is set to.
func environment(settings ...string) []string { return append(os.Environ(), settings...) }
