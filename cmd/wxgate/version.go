package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// Set by the build: -ldflags "-X main.version=v1.2.3 -X main.commit=0123abc".
// If empty, they are read from the build information in the binary.
var version, commit string

// versionCommand prints version, commit and Go version on one line.
type versionCommand struct{}

func (c *versionCommand) Run(t *terminal) error {
	b := currentBuild()
	_, err := fmt.Fprintf(t.out, "wxgate %s (commit %s, %s)\n", b.Version, b.Commit, b.Go)
	return err
}

// versionFlag is --version, in any position.
type versionFlag bool

func (versionFlag) BeforeReset(app *kong.Kong, t *terminal) error {
	err := (&versionCommand{}).Run(t)
	app.Exit(exitOK)
	return err
}

// buildInfo identifies the build of this binary.
type buildInfo struct{ Version, Commit, Go string }

func currentBuild() buildInfo {
	b := buildInfo{version, commit, runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = cmp.Or(b.Version, moduleVersion(info))
		b.Commit = cmp.Or(b.Commit, setting(info, "vcs.revision"))
	}
	b.Version, b.Commit = cmp.Or(b.Version, "dev"), cmp.Or(b.Commit, "unknown")
	return b
}

// moduleVersion returns "" if the module was built without a version.
func moduleVersion(info *debug.BuildInfo) string {
	if info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
