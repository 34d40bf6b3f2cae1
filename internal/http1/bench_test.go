package http1_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

// The benchmarks run the server in a process of its own, this test's program
// started again: what counts is that process's time and memory, not the
// client's.
const (
	serverVariable = "HTTP1_BENCH_SERVER"
	http1Server    = "http1"
	netHTTPServer  = "net/http"
)

func TestMain(m *testing.M) {
	if which := os.Getenv(serverVariable); which != "" {
		serveBench(which)
		return
	}
	os.Exit(m.Run())
}

// serveBench serves until its standard input ends. At each line that it reads it
// collects garbage, and prints its memory and processor time.
func serveBench(which string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(ln.Addr())
	if which == http1Server {
		s := &http1.Server{Handler: http.HandlerFunc(trivial), WriteTimeout: time.Minute}
		go s.Serve(ln)
	} else {
		s := &http.Server{Handler: http.HandlerFunc(trivial), WriteTimeout: time.Minute, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
		go s.Serve(ln)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		for range 4 { // stacks shrink by half each time
			runtime.GC()
		}
		debug.FreeOSMemory()
		var usage syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		fmt.Println(usage.Utime.Nano()+usage.Stime.Nano(), memory.HeapInuse+memory.StackInuse)
	}
}

var trivialBody = []byte(strings.Repeat("x", 300))

func trivial(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > 0 {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{"300"}
	_, _ = w.Write(trivialBody)
}

// process is a server in a process of its own.
type process struct {
	addr string
	in   io.WriteCloser
	out  *bufio.Reader
}

func startProcess(b *testing.B, which string) *process {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverVariable+"="+which)
	in, err := cmd.StdinPipe()
	testkit.Must(b, err)
	out, err := cmd.StdoutPipe()
	testkit.Must(b, err)
	testkit.Must(b, cmd.Start())
	b.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	p := &process{in: in, out: bufio.NewReader(out)}
	line, err := p.out.ReadString('\n')
	testkit.Must(b, err)
	p.addr = strings.TrimSpace(line)
	return p
}

// usage returns the processor time used and the bytes of heap and stacks.
func (p *process) usage(b *testing.B) (cpu time.Duration, memory int64) {
	b.Helper()
	_, err := io.WriteString(p.in, "\n")
	testkit.Must(b, err)
	line, err := p.out.ReadString('\n')
	testkit.Must(b, err)
	_, err = fmt.Sscan(line, &cpu, &memory)
	testkit.Must(b, err)
	return cpu, memory
}

var benchRequests = map[string]string{
	"GET": "GET /api/orders?page=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.0123456789012345678901234567890123456789\r\n" +
		"User-Agent: MicroMessenger Client\r\nAccept-Encoding: gzip\r\nContent-Type: application/json\r\nReferer: https://servicewechat.com/wx1234567890abcdef/12/page-frame.html\r\n\r\n",
	"POST": "POST /api/orders HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 210\r\nUser-Agent: MicroMessenger Client\r\nContent-Type: application/json\r\n\r\n" + strings.Repeat("y", 210),
}

// BenchmarkCPU compares the processor time of a request with net/http's, the
// both with the same trivial handler, 32 connections.
func BenchmarkCPU(b *testing.B) {
	for name, raw := range benchRequests {
		b.Run(name, func(b *testing.B) {
			ours, theirs := startProcess(b, http1Server), startProcess(b, netHTTPServer)
			const rounds = 5
			var spent [2]time.Duration
			n := max(b.N/rounds, 2000)
			for range rounds { // in turns: the machine has other work
				spent[0] += cpuOf(b, ours, raw, n)
				spent[1] += cpuOf(b, theirs, raw, n)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(spent[0].Nanoseconds())/float64(rounds*n)/1000, "µs-cpu/req")
			b.ReportMetric(float64(spent[1].Nanoseconds())/float64(rounds*n)/1000, "µs-cpu/req-net/http")
			b.ReportMetric(float64(spent[0])/float64(spent[1]), "of-net/http")
		})
	}
}

func cpuOf(b *testing.B, p *process, raw string, requests int) time.Duration {
	b.Helper()
	const conns = 32
	before, _ := p.usage(b)
	var all sync.WaitGroup
	for range conns {
		all.Go(func() { load(b, p.addr, raw, requests/conns+1) })
	}
	all.Wait()
	after, _ := p.usage(b)
	return after - before
}

// load sends requests one after the other. All responses have the same length.
func load(b *testing.B, addr, raw string, requests int) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	buf, request := make([]byte, 4096), []byte(raw)
	for range requests {
		if _, err := conn.Write(request); err != nil {
			b.Error(err)
			return
		}
		for n := 0; !strings.Contains(string(buf[:n]), "\r\n\r\n"+string(trivialBody)); {
			got, err := conn.Read(buf[n:])
			if err != nil {
				b.Error(err)
				return
			}
			n += got
		}
	}
}

// BenchmarkIdle measures the memory of an idle connection that has served a
// request: heap and stacks of the server's process, garbage collected.
func BenchmarkIdle(b *testing.B) {
	for _, which := range []string{http1Server, netHTTPServer} {
		b.Run(which, func(b *testing.B) {
			b.ReportMetric(idleBytes(b, which), "B/conn") // b.N means nothing here
			b.ReportMetric(0, "ns/op")
		})
	}
}

func idleBytes(b *testing.B, which string) float64 {
	p := startProcess(b, which)
	const conns = 2000
	_, before := p.usage(b)
	for range conns {
		conn, err := net.Dial("tcp", p.addr)
		testkit.Must(b, err)
		defer conn.Close()
		_, err = io.WriteString(conn, benchRequests["GET"])
		testkit.Must(b, err)
		_, err = http.ReadResponse(bufio.NewReader(conn), nil)
		testkit.Must(b, err)
	}
	_, after := p.usage(b)
	return float64(after-before) / float64(conns)
}

// BenchmarkServe is a request inside one process, the client included: for
// profiles and allocations.
func BenchmarkServe(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(b, err)
	s := &http1.Server{Handler: http.HandlerFunc(trivial), WriteTimeout: time.Minute}
	go s.Serve(ln)
	defer s.Close()
	b.ReportAllocs()
	load(b, ln.Addr().String(), benchRequests["GET"], b.N)
}
