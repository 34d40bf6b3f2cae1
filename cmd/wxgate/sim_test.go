package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// startSim runs `wxgate sim` and returns what it printed.
func startSim(t *testing.T, args ...string) (printed string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, written := io.Pipe()
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, append([]string{"sim", "--listen", "127.0.0.1:0"}, args...), written, io.Discard)
		written.Close()
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case got := <-status:
			if got != exitOK {
				t.Errorf("sim ended with %d", got)
			}
		case <-time.After(10 * time.Second):
			t.Error("sim doesn't stop")
		}
	})
	var text strings.Builder
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Ctrl-C") {
			return text.String()
		}
	}
	t.Fatalf("sim ended after printing %q", text.String())
	return ""
}

func TestEachCallThatTheSimulatorPrintsWorks(t *testing.T) {
	t.Parallel()
	printed := regexp.MustCompile(`^ +curl -s (\S+)(?: -d '(.*)')?\n$`)
	tried := 0
	for line := range strings.Lines(startSim(t)) {
		call := printed.FindStringSubmatch(line)
		if call == nil {
			continue
		}
		tried++
		status, responseBody := curl(t, call[1], call[2])
		if status != http.StatusOK || !json.Valid(responseBody) {
			t.Errorf("%s: %d: %s", line, status, responseBody)
		}
	}
	if tried != 5 {
		t.Errorf("tried %d calls", tried)
	}
}

// curl sends the request that curl would: POST if there is data.
func curl(t *testing.T, url, data string) (int, []byte) {
	t.Helper()
	method := http.MethodGet
	if data != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

func TestTheSimulatorsConfigLoads(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(startSim(t, "--app", "wxa=one", "--app", "wxb=two"), "In the config file:\n")
	part, _, _ := strings.Cut(rest, "To try:")
	c, err := parse(t, withRequiredKeys(strings.ReplaceAll(part, "\n  ", "\n")))
	if err != nil {
		t.Fatalf("%v in\n%s", err, part)
	}
	if len(c.Apps) != 2 || c.Apps[1].AppID != "wxb" || c.Apps[1].Secret.Reveal() != "two" {
		t.Fatalf("apps: %v", c.Apps)
	}
	if status, _ := curl(t, c.WeChat.APIBase.String()+"/sim/users", ""); status != http.StatusOK {
		t.Errorf("the simulator responds with %d at api_base", status)
	}
}

func TestTheSimulatorRefusesAnInvalidApp(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"wx1", "=x", "wx1=", "wx 1=x"} {
		status, _, stderr := wxgate(t, "sim", "--app", app)
		if status != exitUsage || !strings.Contains(stderr, "APPID=SECRET") {
			t.Errorf("--app %q: %d, %s", app, status, stderr)
		}
	}
}
