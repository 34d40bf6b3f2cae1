// Package deploy_test loads the config files of this folder as the gateway does.
package deploy_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wxgate/internal/config"
	"wxgate/internal/testkit"
)

func TestConfigFilesLoad(t *testing.T) {
	t.Parallel()
	gatewaySecret := base64.StdEncoding.EncodeToString([]byte("\x7f\x03\xe1kQ\x99\x10\xfe-\xd2\x84Z\xc6u\x0b\x38\xab\x1c\x90\xd7\x66Nx\xf5\x0a\x42\xb8\xe3\x57\x8d\x21\xcc"))
	secrets := t.TempDir()
	for name, value := range map[string]string{
		"gateway-secret": gatewaySecret, "wechat-secret": "app-secret-of-a-test", "redis-password": "redis-password-of-a-test",
		"admin-token": "9f2c47d1b86e035a9f2c47d1b86e035a",
	} {
		testkit.Must(t, os.WriteFile(filepath.Join(secrets, name), []byte(value+"\n"), 0o600))
	}
	environment := map[string]string{ // that compose.yaml sets
		"WXGATE_SECRET": gatewaySecret, "WXGATE_ADMIN_TOKEN": "9f2c47d1b86e035a9f2c47d1b86e035a", "REDIS_PASSWORD": "redis-password-of-a-test",
		"WECHAT_APPID": "wx0123456789abcdef", "WECHAT_SECRET": "app-secret-of-a-test", "WECHAT_API_BASE": "https://api.weixin.qq.com",
	}
	for _, file := range []string{"compose/config/config.yaml", "k8s/config.yaml", "systemd/config.yaml"} {
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		local := strings.NewReplacer("/etc/wxgate-secrets/", secrets+"/", "/run/credentials/wxgate.service/", secrets+"/").Replace(string(text))
		c, err := config.Parse(filepath.Join(secrets, "config.yaml"), []byte(local), func(name string) (string, bool) {
			value, ok := environment[name]
			return value, ok
		})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if len(c.Redis.Addrs) == 0 {
			t.Errorf("%s keeps sessions in the process's memory", file)
		}
	}
}
