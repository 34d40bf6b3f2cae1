package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// wxgate runs a command line and returns its exit status and output.
func wxgate(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	status = run(t.Context(), args, &out, &err)
	return status, out.String(), err.String()
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	writeFile(t, file, text, 0o600)
	return file
}

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	valid := configFile(t, withRequiredKeys("listen: 127.0.0.1:8080\nredis: {addrs: ['127.0.0.1:6379']}"))
	invalid := configFile(t, withRequiredKeys("listne: ':1'"))
	for _, c := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{"--help"}, 0, ""},
		{[]string{"explain", "--help"}, 0, ""},
		{[]string{"version"}, 0, ""},
		{[]string{"--version"}, 0, ""},
		{[]string{"serve", "--version"}, 0, ""},
		{[]string{"check", "--config", valid}, 0, ""},
		{[]string{"check", "--config", invalid}, 2, "listne: unknown key (did you mean listen?)"},
		{[]string{"serve", "--config", invalid}, 2, "listne: unknown key"},
		{[]string{"--config", invalid}, 2, "listne: unknown key"},
		{[]string{"explain", "--config", invalid, "GET", "/"}, 2, "listne: unknown key"},
		{[]string{"check", "--config", "/nonexistent/config.yaml"}, 2, "no such file"},
		{[]string{"check", "--confg", valid}, 2, `did you mean "--config"?`},
		{[]string{"check", valid}, 2, "unexpected argument"},
		{[]string{"chekc"}, 2, "unknown command \"chekc\" (did you mean check?)"},
		{[]string{"explain"}, 2, "<method> <url>"},
		{[]string{"sim", "--listen", "nowhere"}, 2, "not an address"},
		{[]string{"sim", "--listen", "192.0.2.1:80"}, 1, "cannot assign requested address"},
	} {
		status, _, stderr := wxgate(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.stderr) || (c.stderr == "") != (stderr == "") {
			t.Errorf("wxgate %s: want status %d and %q, got %d and %q", strings.Join(c.args, " "), c.status, c.stderr, status, stderr)
		}
		for line := range strings.Lines(stderr) {
			if !strings.HasPrefix(line, "wxgate: ") {
				t.Errorf("wxgate %s: a line without wxgate: %q", strings.Join(c.args, " "), line)
			}
		}
	}
}

func TestTheEnvironmentNamesTheConfigFile(t *testing.T) {
	t.Setenv("WXGATE_CONFIG", configFile(t, withRequiredKeys("listne: x")))
	for _, args := range [][]string{{}, {"serve"}, {"check"}} {
		if status, _, stderr := wxgate(t, args...); status != 2 || !strings.Contains(stderr, "config.yaml:1: listne") {
			t.Errorf("wxgate %v: %d, %s", args, status, stderr)
		}
	}
	if status, _, stderr := wxgate(t, "check", "--config", configFile(t, withRequiredKeys(""))); status != 0 {
		t.Errorf("--config has precedence: %d, %s", status, stderr)
	}
}

func TestEachProblemIsOneLineOnStandardError(t *testing.T) {
	t.Parallel()
	file := configFile(t, "log: {level: loud}\nlimits: {max_body: x}\n")
	status, stdout, stderr := wxgate(t, "check", "--config", file)
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if status != 2 || stdout != "" || len(lines) != 5 {
		t.Fatalf("%d\n%s\n%s", status, stdout, stderr)
	}
	if want := "wxgate: " + file + ":2: limits.max_body: "; !strings.HasPrefix(lines[4], want) {
		t.Errorf("want %s…, got %s", want, lines[4])
	}
}

func TestAGeneratedKeyIsAccepted(t *testing.T) {
	t.Parallel()
	_, first, _ := wxgate(t, "keygen")
	status, second, stderr := wxgate(t, "keygen")
	if status != 0 || stderr != "" || first == second {
		t.Fatalf("%d, %q, %q, %q", status, first, second, stderr)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(second, "\n"))
	if err != nil || len(raw) != 32 {
		t.Fatalf("%q: %v", second, err)
	}
	c, err := parse(t, withRequiredKeys("secrets:\n  - "+first+"  - "+second))
	if err != nil || c.Secrets[1].Raw.Reveal() != string(raw) {
		t.Errorf("%v", err)
	}
}

func TestVersionNamesCommitAndGo(t *testing.T) {
	t.Parallel()
	want := `^wxgate \S+ \(commit \S+, ` + regexp.QuoteMeta(runtime.Version()) + `\)\n$`
	for _, arg := range []string{"version", "--version"} {
		if _, stdout, _ := wxgate(t, arg); !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("%s: got %q", arg, stdout)
		}
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	t.Parallel()
	_, stdout, _ := wxgate(t, "--help")
	for _, command := range []string{"serve", "dev", "sim", "check", "explain", "probe", "keygen", "version", "healthcheck", "--version"} {
		if !strings.Contains(stdout, "  "+command+" ") {
			t.Errorf("%s is not in\n%s", command, stdout)
		}
	}
}

// testdata/check.golden has the expected output. To update it:
// WXGATE_GOLDEN=write go test ./cmd/wxgate -run TestCheckPrints
func TestCheckPrintsTheConfigurationWithSecretsHidden(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := wxgate(t, "check", "--config", "testdata/check.yaml")
	if status != 0 || strings.Count(stderr, "in plain text") != 2 {
		t.Fatalf("%d: %s", status, stderr)
	}
	for _, plain := range []string{"hush", "q83v", "orders-token"} {
		if strings.Contains(stdout, plain) {
			t.Errorf("the output contains %q", plain)
		}
	}
	const golden = "testdata/check.golden"
	if os.Getenv("WXGATE_GOLDEN") == "write" {
		writeFile(t, golden, stdout, 0o644)
	}
	want, err := os.ReadFile(golden)
	if err != nil || stdout != string(want) {
		t.Errorf("not as in %s (%v):\n%s", golden, err, stdout)
	}
}
