package redistest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// The ACL user that this package itself uses. It exists on every server and has all
// permissions, whatever the default user may do.
const (
	adminName     = "redistest"
	adminPassword = "redistest"
)

const (
	loopback     = "127.0.0.1"
	portAttempts = 20

	// Names of the certificate files in the server's directory.
	authorityName = "ca"
	serverName    = "server"
)

// node describes a redis-server process to start.
type node struct {
	tls  bool
	conf []string // lines of redis.conf, without port and directory
	args []string // further command-line arguments, behind the path of redis.conf
}

func (o Options) node() node {
	conf := []string{
		`save ""`,
		"repl-diskless-sync yes",
		"repl-diskless-sync-delay 0",
		"masteruser " + adminName,
		"masterauth " + adminPassword,
	}
	if o.Persist {
		conf = append(conf, "appendonly yes", "appendfsync always")
	}
	if o.Password != "" {
		conf = append(conf, "requirepass "+strconv.Quote(o.Password))
	}
	for _, user := range o.Users {
		conf = append(conf, "user "+user)
	}
	return node{tls: o.TLS, conf: append(conf, o.Config...)}
}

// start reserves a port, writes redis.conf for it and starts redis-server. It tries
// another port when a program that doesn't use testkit took the port meanwhile.
func start(t testing.TB, n node) *Server {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "redis.conf")
	n.args = append([]string{file}, n.args...)
	s := &Server{t: t, node: n, log: filepath.Join(dir, "redis.log")}
	if n.tls {
		s.CAFile, s.TLSConfig = writeCertificates(t, dir)
	}
	for range portAttempts {
		port := testkit.MustReservePort(t)
		s.port, s.Addr = port.Number, port.Addr()
		writeFile(t, file, n.configFile(dir, s.port))
		proc, err := startProcess(s.log, n.args)
		if errors.Is(err, errPortTaken) {
			continue
		}
		if err != nil {
			t.Fatalf("redistest: %v", err)
		}
		s.proc = proc
		t.Cleanup(s.Stop)
		return s
	}
	t.Fatalf("redistest: no free port in %d attempts", portAttempts)
	return nil
}

// writeCertificates makes a CA and a server certificate signed by it. It returns the
// CA's file and a client configuration that trusts it.
func writeCertificates(t testing.TB, dir string) (string, *tls.Config) {
	t.Helper()
	authority := testkit.MustCertificate(t, testkit.CertificateOptions{Hosts: []string{"redistest authority"}})
	testkit.MustCertificate(t, testkit.CertificateOptions{Signer: authority}).MustWrite(t, dir, serverName)
	caFile, _ := authority.MustWrite(t, dir, authorityName)
	return caFile, &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}
}

// configFile returns the text of redis.conf.
func (n node) configFile(dir string, port int) string {
	lines := []string{
		"bind " + loopback,
		"protected-mode no",
		"dir " + dir,
		"user " + adminName + " on >" + adminPassword + " ~* &* +@all",
	}
	if n.tls {
		lines = append(lines, "port 0", fmt.Sprintf("tls-port %d", port),
			"tls-cert-file "+filepath.Join(dir, serverName+".crt"),
			"tls-key-file "+filepath.Join(dir, serverName+".key"),
			"tls-ca-cert-file "+filepath.Join(dir, authorityName+".crt"),
			"tls-auth-clients no")
	} else {
		lines = append(lines, fmt.Sprintf("port %d", port))
	}
	return strings.Join(append(lines, n.conf...), "\n") + "\n"
}

func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatalf("redistest: %v", err)
	}
}
