package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// seconds parses a duration of a config file.
func seconds(t *testing.T, duration string) float64 {
	t.Helper()
	d, err := time.ParseDuration(duration)
	if err != nil {
		t.Fatal(err)
	}
	return d.Seconds()
}

// filledEnv writes a copy of example.env with a value for each variable, and returns its
// path.
func filledEnv(t *testing.T) string {
	t.Helper()
	text := strings.ReplaceAll(read(t, "../compose/example.env"), "=\n", "=filled-in-by-a-test\n")
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// loadProject loads compose.yaml as Docker Compose does, and checks it against the schema.
func loadProject(t *testing.T, envFiles ...string) (*types.Project, error) {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{"../compose/compose.yaml"}, cli.WithEnvFiles(envFiles...), cli.WithDotEnv,
		cli.WithProfiles([]string{"sim", "metrics"}))
	if err != nil {
		t.Fatal(err)
	}
	return o.LoadProject(t.Context())
}

func TestComposeFileLoads(t *testing.T) {
	p, err := loadProject(t, filledEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"wxgate", "redis", "backend", "sim", "prometheus", "grafana"} {
		if _, err := p.GetService(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	gateway := p.Services["wxgate"]
	if stop := time.Duration(*gateway.StopGracePeriod); stop <= 30*time.Second {
		t.Errorf("stop_grace_period is %v, the gateway's default shutdown_timeout 30s", stop)
	}
	if !strings.Contains(strings.Join(p.Services["redis"].Command, " "), "--maxmemory-policy noeviction") {
		t.Error("Redis may evict sessions")
	}
	for _, v := range append(gateway.Volumes, append(p.Services["backend"].Volumes, p.Services["grafana"].Volumes...)...) {
		if _, err := os.Stat(v.Source); v.Type == types.VolumeTypeBind && err != nil {
			t.Errorf("mounted file is missing: %v", err)
		}
	}
}

func TestComposeRefusesAnEmptySecret(t *testing.T) {
	for _, name := range []string{"WXGATE_SECRET", "WXGATE_ADMIN_TOKEN", "REDIS_PASSWORD", "WECHAT_APPID", "WECHAT_SECRET"} {
		text := strings.ReplaceAll(read(t, filledEnv(t)), name+"=filled-in-by-a-test", name+"=")
		file := filepath.Join(t.TempDir(), ".env")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadProject(t, file); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
