// Command stores runs the tests of the session package, and of the ACL rule in
// docs/operations.md, on one Redis-compatible server after another:
//
//	go run ./interop/stores valkey=/opt/valkey/src/valkey-server keydb=/opt/keydb/keydb-server
//
// It always includes the system's redis-server, alone and behind a proxy that checks scripts
// as Alibaba Cloud's cluster edition does. A program called predixy is run as a proxy in
// front of the system's redis-server. The tests find each server as the redis-server in
// their PATH. For the proxies this is the program itself, under that name.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"wxgate/interop/rig"
)

// suites are the arguments of go test for each column of the table.
var suites = []struct {
	name string
	args []string
}{
	{"session tests", []string{"./session/"}},
	{"minimal ACL", []string{"-run", "ACL", "./cmd/wxgate/"}},
}

func main() {
	if filepath.Base(os.Args[0]) == "redis-server" {
		if os.Getenv(predixyProgram) != "" {
			servePredixy(os.Args[1:])
		}
		serveChecked(os.Args[1:])
		return
	}
	rig.Main(60*time.Minute, run)
}

// store is a server program, alone or behind a proxy.
type store struct {
	name, path string
	checked    bool   // behind the proxy that checks scripts
	predixy    string // path of the program, when behind predixy
}

func run(ctx context.Context, r *rig.Rig) error {
	stores, err := stores(os.Args[1:])
	if err != nil {
		return err
	}
	table := rig.NewTable("store", "version", suites[0].name, suites[1].name)
	for _, s := range stores {
		cells := []string{s.name, version(ctx, s.path)}
		dir, err := s.install(r)
		if err != nil {
			return err
		}
		for _, suite := range suites {
			cells = append(cells, s.runTests(ctx, r, dir, append(s.skipFlags(), suite.args...)))
		}
		table.Add(cells...)
	}
	table.Print("Redis-compatible stores")
	return nil
}

// stores returns the stores that always run and those of the arguments, NAME=PATH.
func stores(args []string) ([]store, error) {
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	list := []store{{name: "Redis", path: redis}, {name: "Redis, scripts checked", path: redis, checked: true}}
	for _, arg := range args {
		name, path, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("%s is not NAME=PATH", arg)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
		s := store{name: name, path: path}
		if filepath.Base(path) == "predixy" {
			s.path, s.predixy = redis, path
		}
		list = append(list, s)
	}
	return list, nil
}

// version returns the version that the program prints.
func version(ctx context.Context, path string) string {
	out, _ := exec.CommandContext(ctx, path, "--version").Output() // a failure shows as an empty cell
	if m := regexp.MustCompile(`v=([0-9.]+)`).FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return strings.TrimSpace(string(out))
}

// install makes a folder with the store under the name redis-server.
func (s store) install(r *rig.Rig) (string, error) {
	path := s.path
	if s.checked || s.predixy != "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		path = self
	}
	dir := r.Path(strings.ReplaceAll(s.name, " ", "-"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.Symlink(path, filepath.Join(dir, "redis-server"))
}

// skipFlags skip the tests that can't pass behind a proxy. The proxy that checks scripts
// refuses scripts without keys, with which a test keeps the server busy. Behind predixy a
// server can't become a replica, Sentinel can't find it, and passwords are predixy's own.
func (s store) skipFlags() []string {
	switch {
	case s.checked:
		return []string{"-skip", "TestRedisThatRefusesIsNeverTheClientsFault/BUSY"}
	case s.predixy != "":
		return []string{"-skip", "Sentinel|TestEveryKindOfRedisKeepsThePromises/sentinel|ReadOnlyReplica|TestRedisThatRefusesIsNeverTheClientsFault/WRONGPASS"}
	}
	return nil
}

// realServer is the environment variable with the path of the server that a proxy starts.
const realServer = "WXGATE_INTEROP_REDIS_SERVER"

var passed = regexp.MustCompile(`(?m)^--- PASS|^    --- PASS`)

// runTests runs go test with the folder first in PATH and returns the cell for the table. A
// run without any test is a failure.
func (s store) runTests(ctx context.Context, r *rig.Rig, dir string, args []string) string {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-count", "1", "-timeout", "10m", "-v"}, args...)...)
	cmd.Dir = r.Root
	cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), realServer+"="+s.path, predixyProgram+"="+s.predixy)
	out, err := cmd.CombinedOutput()
	n := len(passed.FindAll(out, -1))
	if err == nil && n == 0 {
		err = errors.New("no test ran")
	}
	if err == nil {
		return fmt.Sprintf("%d %s", n, r.Check(true))
	}
	fmt.Fprintf(os.Stderr, "%s\n", out)
	failed := len(regexp.MustCompile(`(?m)^--- FAIL: `).FindAll(out, -1))
	return fmt.Sprintf("%d, but %d failed (%v) %s", n, failed, err, r.Check(false))
}
