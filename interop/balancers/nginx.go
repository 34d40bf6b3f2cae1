package balancers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Nginx is that of the system's packages.
var Nginx = Balancer{Name: "nginx", Start: startNginx}

func startNginx(ctx context.Context, s *Site) error {
	site, err := s.fill("nginx/wxgate.conf", "wxgate.conf",
		"listen 443", "listen "+s.Port.Addr(),
		"/etc/nginx/certs/wxgate.crt", s.Cert.File, "/etc/nginx/certs/wxgate.key", s.Cert.Key,
		"10.0.0.11:8080", s.Targets[0].Address, "10.0.0.12:8080", s.Targets[1].Address)
	if err != nil {
		return err
	}
	user := ""
	if os.Getuid() == 0 { // otherwise its workers run as another user, who can't write to the folder
		user = "user root;"
	}
	config, err := s.Write(filepath.Join(filepath.Base(s.Dir), "nginx.conf"), fmt.Sprintf(`%[2]s daemon off; worker_processes 2;
pid %[1]s/pid; error_log stderr;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi; include %[3]s; }
`, s.Dir, user, site))
	if err != nil {
		return err
	}
	return s.run(ctx, "nginx", exec.Command("nginx", "-p", s.Dir, "-e", "stderr", "-c", config))
}
