// Command sdks runs WeChat server SDKs against the simulator, against the gateway's relay,
// against the simulator with an access token from the gateway, and behind the gateway's
// message push. It prints tables of how each SDK behaves, and fails when a table differs
// from the one in docs/relay.md or docs/push.md.
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
	for _, part := range []func(context.Context) error{b.directTable, b.relayTable, b.expiringTokens, b.pushTable} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// testbed is shared by all SDKs of a run.
type testbed struct {
	r      *rig.Rig
	sim    string // base URL of the simulated WeChat
	redis  string // address
	goBin  string // path of the driver of the Go SDK
	npmDir string // folder with the drivers of the npm SDKs

	drivers, gateways int // how many were started
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

// driverCommand returns the command that runs the driver of an SDK.
func (b *testbed) driverCommand(s sdk) *exec.Cmd {
	if s.npm == "" {
		return exec.Command(b.goBin)
	}
	return exec.Command("node", filepath.Join(b.npmDir, "driver.mjs"), s.npm)
}

// show prints a table, and counts a failure for each line that the document doesn't have.
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

// checkSnippet compares the relayTransport that docs/relay.md shows with the one that runs
// here.
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
