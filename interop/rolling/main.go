// Command rolling restarts two gateways in turns, behind nginx and behind HAProxy with
// the files of deploy/, while users send GETs and POSTs. No request may be lost, and
// none may reach the backend twice.
package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"wxgate/interop/balancers"
	"wxgate/interop/rig"
)

const (
	restarts = 10
	workers  = 4 // of each kind of client and method

	// pause is from a restart to the next, in which the balancer notices that the
	// gateway is back.
	pause = 2 * time.Second
)

func main() { rig.Main(10*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	cert, err := r.NewCertificate()
	if err != nil {
		return err
	}
	table := rig.NewTable("balancer", "restarts", "requests", "reached the backend twice", "", "lost")
	for _, b := range chosen() {
		t, err := try(ctx, r, b, cert)
		if err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
		table.Add(b.Name, fmt.Sprint(restarts), fmt.Sprint(t.sent.Load()), fmt.Sprint(t.doubled()), r.Check(len(t.failures) == 0 && t.doubled() == 0), t.lost())
	}
	table.Print("rolling restarts of two gateways under load")
	return nil
}

// chosen are the balancers that the arguments name, or both.
func chosen() (list []balancers.Balancer) {
	for _, b := range []balancers.Balancer{balancers.Nginx, balancers.HAProxy} {
		if len(os.Args) == 1 || slices.Contains(os.Args[1:], b.Name) {
			list = append(list, b)
		}
	}
	return list
}

// trial is a run of requests, each with a number of its own.
type trial struct {
	base  string
	token string
	sent  atomic.Int64

	mu       sync.Mutex
	failures map[string]int // what the client got instead of an answer, how often
	arrived  map[string]int // how often the backend saw each request
}

func try(ctx context.Context, r *rig.Rig, b balancers.Balancer, cert *rig.Certificate) (*trial, error) {
	t := &trial{failures: map[string]int{}, arrived: map[string]int{}}
	backend := httptest.NewServer(http.HandlerFunc(t.receive))
	defer backend.Close()
	gateways, err := pair(ctx, r, backend.URL)
	if err != nil {
		return nil, err
	}
	site, err := balancers.NewSite(r, b.Name, balancers.Gateways(gateways), cert)
	if err != nil {
		return nil, err
	}
	if err := b.Start(ctx, site); err != nil {
		return nil, err
	}
	t.base = site.URL()
	if t.token, _, err = gateways[0].LoginAt(ctx, cert.Client(), t.base, "alice"); err != nil {
		return nil, err
	}
	if err := t.restart(ctx, gateways, cert); err != nil {
		return nil, err
	}
	if len(t.failures) > 0 {
		explain(b.Name, site.Log())
	}
	return t, nil
}

// explain prints what the balancer says of answers that didn't come. A refused connection
// isn't among it: the other gateway was asked.
func explain(balancer, log string) {
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "Connection refused") {
			fmt.Fprintf(os.Stderr, "%s: %.300s", balancer, line)
		}
	}
}

// pair starts two gateways on one Redis.
func pair(ctx context.Context, r *rig.Rig, backend string) (gateways [2]*rig.Gateway, err error) {
	redis, err := r.Redis(ctx)
	if err != nil {
		return gateways, err
	}
	config := fmt.Sprintf(`redis: {addrs: [%q]}
trusted_proxies: [127.0.0.1/32]
shutdown_delay: 3s
shutdown_timeout: 10s
routes: [{path: /, upstreams: [%q]}]
`, redis, backend)
	for i := range gateways {
		if gateways[i], err = r.Gateway(ctx, config, nil); err != nil {
			return gateways, err
		}
	}
	return gateways, nil
}

// restart restarts the gateways in turns while the load runs.
func (t *trial) restart(ctx context.Context, gateways [2]*rig.Gateway, cert *rig.Certificate) error {
	loading, stop := context.WithCancel(ctx)
	var load sync.WaitGroup
	for _, client := range clients(cert) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for range workers {
				load.Go(func() { t.load(loading, client, method) })
			}
		}
	}
	defer load.Wait()
	defer stop()
	for i := range restarts {
		if err := rig.Pause(ctx, pause); err != nil {
			return err
		}
		if err := gateways[i%2].Restart(ctx); err != nil {
			return err
		}
	}
	return rig.Pause(ctx, pause)
}

// clients are one that keeps HTTP/1.1 connections, one that opens a new one for each
// request, and one that speaks HTTP/2.
func clients(cert *rig.Certificate) []*http.Client {
	kept, fresh := cert.Client(), cert.Client()
	for _, c := range []*http.Client{kept, fresh} {
		c.Transport.(*http.Transport).Protocols = new(http.Protocols)
		c.Transport.(*http.Transport).Protocols.SetHTTP1(true)
	}
	kept.Transport.(*http.Transport).MaxIdleConnsPerHost = 2 * workers
	fresh.Transport.(*http.Transport).DisableKeepAlives = true
	return []*http.Client{kept, fresh, cert.Client()}
}

// load sends one request after the other, each counted as lost that gets anything but
// the backend's answer.
func (t *trial) load(ctx context.Context, client *http.Client, method string) {
	for ctx.Err() == nil {
		id := fmt.Sprint(t.sent.Add(1))
		if got := t.send(client, method, id); got != "200 "+id {
			t.mu.Lock()
			t.failures[method+" "+got]++
			t.mu.Unlock()
		}
		time.Sleep(2 * time.Millisecond) // so that the machine isn't the bottleneck
	}
}

// send gives status and body of the answer, or the error.
func (t *trial) send(client *http.Client, method, id string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	body := io.Reader(nil)
	if method == http.MethodPost {
		body = strings.NewReader(id) // net/http sends it again only where HTTP/2 says that nothing was done
	}
	req, err := http.NewRequestWithContext(ctx, method, t.base+"/api/"+id, body)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	res, err := client.Do(req)
	if err != nil {
		return strings.ReplaceAll(err.Error(), req.URL.String(), "")
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 200))
	if err != nil {
		return err.Error()
	}
	if code := res.Header.Get("X-Gateway-Error"); code != "" {
		return fmt.Sprint(res.StatusCode, " ", code)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Sprint(res.StatusCode, " of the balancer")
	}
	return fmt.Sprint(res.StatusCode, " ", string(answer))
}

// receive is the backend. It takes a few milliseconds, so that requests are under way
// when a gateway stops.
func (t *trial) receive(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, "/api/")
	t.mu.Lock()
	t.arrived[r.Method+id]++
	t.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body)
	time.Sleep(5 * time.Millisecond)
	_, _ = io.WriteString(w, id)
}

// lost are the failures with their number.
func (t *trial) lost() string {
	if len(t.failures) == 0 {
		return "0"
	}
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(t.failures)) {
		texts = append(texts, fmt.Sprintf("%d %.80s", t.failures[what], what))
	}
	return strings.Join(texts, "; ")
}

// doubled is how many requests the backend saw more than once. A GET that was sent again
// because a connection broke counts too, though it does no harm.
func (t *trial) doubled() int {
	n := 0
	for _, times := range t.arrived {
		if times > 1 {
			n++
		}
	}
	return n
}
