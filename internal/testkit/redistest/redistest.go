// Package redistest starts real redis-server processes for tests: one server,
// a cluster, or a master with its sentinels.
//
// Every process listens on a free loopback port, keeps its files in the test's
// temporary directory and is killed when the test ends. A missing redis-server
// fails the test; it never skips it.
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

// Options says how a server differs from a bare one. The zero value is a
// server without password, TLS or persistence.
type Options struct {
	// Password is asked of the default user. Empty: none.
	Password string
	// Users are ACL rules in the form of an ACL file, without the leading
	// "user": "app on >secret ~app:* &app:* +@all". The name "redistest" is taken.
	Users []string
	// TLS makes the server speak TLS only, with a certificate for 127.0.0.1 and
	// localhost that [Server.CAFile] vouches for. Client certificates are not asked.
	TLS bool
	// Persist writes every change to disk before it is answered, so that the
	// data survive [Server.Stop] and [Server.Start].
	Persist bool
	// Config are further lines of redis.conf.
	Config []string
	// SentinelPassword is asked of the sentinels' default user, and SentinelUsers are
	// their ACL rules, as Users. The sentinels themselves use the package's own user.
	SentinelPassword string
	SentinelUsers    []string
	// Replicas is how many replicas each master of a cluster has, and how many
	// the master under Sentinel has (there, 0 means 1). Start ignores it.
	Replicas int
}

// Server is one redis-server process. Do may be called from any goroutine, the
// other methods from one at a time.
type Server struct {
	// Addr is where it listens, as host:port. It stays the same over Stop and Start.
	Addr string
	// CAFile is a PEM file with the authority that signed the server's
	// certificate, and TLSConfig trusts it. Both are empty without Options.TLS.
	CAFile    string
	TLSConfig *tls.Config

	t    testing.TB
	node node
	port int
	log  string // file
	proc *process.Process
}

// Start starts a bare server and waits until it answers.
func Start(t testing.TB) *Server {
	t.Helper()
	return Options{}.Start(t)
}

// Start starts a server and waits until it answers.
func (o Options) Start(t testing.TB) *Server {
	t.Helper()
	return start(t, o.node())
}

// refuseTLS is for what has several servers, each of which would need to trust
// the others' authorities.
func (o Options) refuseTLS(t testing.TB) {
	t.Helper()
	if o.TLS {
		t.Fatal("redistest: Options.TLS is for single servers only")
	}
}

// Stop kills the process, as a crash would. What was not persisted is lost.
// Stopping twice is fine.
func (s *Server) Stop() {
	if s.proc != nil {
		s.proc.Kill()
		s.proc = nil
	}
}

// Start runs a stopped server again on the same port: empty, or with its data
// where Options.Persist is set. Call it from the test's own goroutine.
func (s *Server) Start() {
	s.t.Helper()
	if s.proc != nil {
		return
	}
	proc, err := run(s.log, s.node.args)
	if err != nil {
		s.t.Fatalf("redistest: restart: %v", err)
	}
	s.proc = proc
}

// Pause hangs the server: connections stay open and are even accepted, but
// nothing is answered until Resume.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
}

// Resume lets a paused server go on; it answers what has piled up.
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

// Log is what the process has printed since its last start.
func (s *Server) Log() string {
	if s.proc == nil {
		return ""
	}
	return s.proc.Output()
}

// Port is the port of Addr.
func (s *Server) Port() string { return strconv.Itoa(s.port) }
