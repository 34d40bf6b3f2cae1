package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"wxgate/interop/rig"
)

// backend is a real server that reports how it reads a request: the area (admin or
// public) in the body, the identity in X-Saw, the path in X-Path.
type backend struct {
	name    string
	address string
}

// host is the host name of the backend's routes at the gateway.
func (b backend) host() string { return b.name + ".test" }

// site has the values for the templates of a backend's configuration files.
type site struct {
	rig    *rig.Rig
	Dir    string // folder of this backend's files
	Source string // folder of this program's source
	Socket string // of php-fpm
	Port   int
	Root   bool // this program runs as root
}

func newSite(r *rig.Rig, name string) (*site, error) {
	port, err := r.Port()
	if err != nil {
		return nil, err
	}
	s := &site{
		rig: r, Dir: r.Path(name), Source: filepath.Join(r.Root, "interop", "backends"), Socket: r.Path("php.sock"),
		Port: port.Number, Root: os.Getuid() == 0,
	}
	return s, os.MkdirAll(s.Dir, 0o755)
}

func (s *site) address() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// fill writes a configuration file from its template and returns its path.
func (s *site) fill(from, to string) (string, error) {
	t, err := template.ParseFiles(filepath.Join(s.Source, from))
	if err != nil {
		return "", err
	}
	var text strings.Builder
	if err := t.Execute(&text, s); err != nil {
		return "", err
	}
	return s.rig.Write(filepath.Join(filepath.Base(s.Dir), to), text.String())
}

// start starts the program and waits until it accepts connections.
func (s *site) start(ctx context.Context, name string, cmd *exec.Cmd) (backend, error) {
	p, err := s.rig.Start(name, cmd)
	if err != nil {
		return backend{}, err
	}
	return backend{name, s.address()}, p.Listening(ctx, "tcp", s.address())
}

func startAll(ctx context.Context, r *rig.Rig) ([]backend, error) {
	var all []backend
	for _, start := range []func(context.Context, *rig.Rig) (backend, error){startPHP, startGunicorn, startTomcat, startStatic} {
		b, err := start(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// startPHP starts php-fpm and an nginx in front of it.
func startPHP(ctx context.Context, r *rig.Rig) (backend, error) {
	s, err := newSite(r, "php")
	if err != nil {
		return backend{}, err
	}
	config, err := s.fill("php/fpm.conf", "fpm.conf")
	if err != nil {
		return backend{}, err
	}
	flags := []string{"--nodaemonize", "--fpm-config", config}
	if s.Root {
		flags = append(flags, "--allow-to-run-as-root")
	}
	program, err := newest("/usr/sbin/php-fpm*")
	if err != nil {
		return backend{}, err
	}
	fpm, err := r.Start("php-fpm", exec.Command(program, flags...))
	if err != nil {
		return backend{}, err
	}
	if err := fpm.Listening(ctx, "unix", s.Socket); err != nil {
		return backend{}, err
	}
	return s.nginx(ctx, "php", "nginx/php.conf")
}

// newest returns the last path, in lexical order, that matches the pattern.
func newest(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("no file matches %s", pattern)
	}
	return found[len(found)-1], nil
}

func (s *site) nginx(ctx context.Context, name, from string) (backend, error) {
	config, err := s.fill(from, "nginx.conf")
	if err != nil {
		return backend{}, err
	}
	if s.Root { // otherwise its workers run as another user, who can't read the files
		config, err = s.rig.Write(filepath.Join(filepath.Base(s.Dir), "root.conf"), "user root;\ninclude "+config+";\n")
		if err != nil {
			return backend{}, err
		}
	}
	return s.start(ctx, name, exec.Command("nginx", "-p", s.Dir, "-e", filepath.Join(s.Dir, "error.log"), "-c", config))
}

func startStatic(ctx context.Context, r *rig.Rig) (backend, error) {
	s, err := newSite(r, "nginx")
	if err != nil {
		return backend{}, err
	}
	return s.nginx(ctx, "nginx", "nginx/static.conf")
}

func startGunicorn(ctx context.Context, r *rig.Rig) (backend, error) {
	s, err := newSite(r, "gunicorn")
	if err != nil {
		return backend{}, err
	}
	cmd := exec.Command("gunicorn", "--bind", s.address(), "--worker-tmp-dir", s.Dir, "--chdir", filepath.Join(s.Source, "wsgi"), "app")
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	return s.start(ctx, "gunicorn", cmd)
}

// tomcat is the folder of the Debian package.
const tomcat = "/usr/share/tomcat10"

func startTomcat(ctx context.Context, r *rig.Rig) (backend, error) {
	s, err := newSite(r, "tomcat")
	if err != nil {
		return backend{}, err
	}
	if err := s.makeTomcatBase(ctx); err != nil {
		return backend{}, err
	}
	cmd := exec.Command(tomcat+"/bin/catalina.sh", "run")
	cmd.Env = append(os.Environ(), "CATALINA_HOME="+tomcat, "CATALINA_BASE="+s.Dir)
	return s.start(ctx, "tomcat", cmd)
}

// makeTomcatBase writes the configuration and the compiled servlet to the site's folder.
func (s *site) makeTomcatBase(ctx context.Context) error {
	if _, err := s.fill("servlet/server.xml", "conf/server.xml"); err != nil {
		return err
	}
	if _, err := s.fill("servlet/web.xml", "webapps/ROOT/WEB-INF/web.xml"); err != nil {
		return err
	}
	for _, dir := range []string{"temp", "logs", "work"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	compile := exec.CommandContext(ctx, "javac", "-cp", tomcat+"/lib/servlet-api.jar",
		"-d", filepath.Join(s.Dir, "webapps/ROOT/WEB-INF/classes"), filepath.Join(s.Source, "servlet/Report.java"))
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("javac: %w\n%s", err, out)
	}
	return nil
}
