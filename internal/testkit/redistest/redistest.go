// Package redistest starts real redis-server processes for tests: one server,
// a cluster, or a master with replicas and sentinels.
//
// Every process listens on a free loopback port, keeps its files in the test's
// temporary directory and is killed when the test ends. When redis-server is not
// installed the test fails; it is never skipped.
//
//	redis := redistest.Start(t)
//	redis := redistest.Options{Password: "hunter2", TLS: true}.Start(t)
//	nodes := redistest.Cluster(t, 3)
//	group := redistest.Sentinel(t)
package redistest

import (
	"crypto/tls"
	"strconv"
	"syscall"
	"testing"

	"wxgate/internal/testkit/process"
)

// Options configure a server. The zero value is a server without password, TLS or
// persistence.
type Options struct {
	// Password is the default user's. Empty: none is required.
	Password string
	// Users are ACL rules in the form of an ACL file, without the leading
	// "user": "app on >secret ~app:* &app:* +@all". This package itself uses the
	// name "redistest".
	Users []string
	// TLS makes the server accept TLS only, with a certificate for 127.0.0.1 and
	// localhost that the CA in [Server.CAFile] signed. It requires no client
	// certificate.
	TLS bool
	// Persist writes every change to disk before the reply, so that the data are
	// still there after [Server.Stop] and [Server.Start].
	Persist bool
	// Config are further lines of redis.conf.
	Config []string
	// SentinelPassword is that of the sentinels' default user, and SentinelUsers are
	// their ACL rules, as Users. The sentinels connect to the servers and to each
	// other as the user "redistest".
	SentinelPassword string
	SentinelUsers    []string
	// Replicas is the number of replicas of each master of a cluster, or of the
	// master under Sentinel (there, 0 means 1). Start ignores it.
	Replicas int
}

// Server is one redis-server process. Do may be called from any goroutine, the
// other methods from one at a time.
type Server struct {
	// Addr is the listening address, as host:port. Stop and Start don't change it.
	Addr string
	// CAFile is a PEM file with the CA that signed the server's certificate, and
	// TLSConfig trusts that CA. Both are empty without Options.TLS.
	CAFile    string
	TLSConfig *tls.Config

	t    testing.TB
	node node
	port int
	log  string // path
	proc *process.Process
}

// Start starts a server with the zero Options and waits until it is ready.
func Start(t testing.TB) *Server {
	t.Helper()
	return Options{}.Start(t)
}

// Start starts a server and waits until it is ready.
func (o Options) Start(t testing.TB) *Server {
	t.Helper()
	return start(t, o.node())
}

// refuseTLS ends the test when TLS is set. It is for groups of servers: each would
// have to trust the CAs of the others.
func (o Options) refuseTLS(t testing.TB) {
	t.Helper()
	if o.TLS {
		t.Fatal("redistest: Options.TLS is for single servers only")
	}
}

// Stop kills the process, as in a crash: data that were not persisted are lost. It
// does nothing when the server is already stopped.
func (s *Server) Stop() {
	if s.proc != nil {
		s.proc.Kill()
		s.proc = nil
	}
}

// Start starts a stopped server again on the same port: empty, or with its data when
// Options.Persist is set. Call it from the test's own goroutine.
func (s *Server) Start() {
	s.t.Helper()
	if s.proc != nil {
		return
	}
	proc, err := startProcess(s.log, s.node.args)
	if err != nil {
		s.t.Fatalf("redistest: restart: %v", err)
	}
	s.proc = proc
}

// Pause stops the process with SIGSTOP: connections stay open and the kernel accepts
// new ones, but no command gets a reply until Resume.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
}

// Resume continues a paused server, which then replies to the commands that arrived
// meanwhile.
func (s *Server) Resume() {
	s.t.Helper()
	s.signal(syscall.SIGCONT)
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if s.proc == nil {
		s.t.Fatalf("redistest: %v: the server is stopped", sig)
	}
	if err := s.proc.Signal(sig); err != nil {
		s.t.Fatalf("redistest: %v: %v", sig, err)
	}
}

// Log returns what the process has printed since its last start.
func (s *Server) Log() string {
	if s.proc == nil {
		return ""
	}
	return s.proc.Output()
}

// Port returns the port of Addr.
func (s *Server) Port() string { return strconv.Itoa(s.port) }
