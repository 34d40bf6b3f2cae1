// Command streams sends 1 GiB in each direction through a gateway and measures the peak
// memory of the gateway's process.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	"wxgate/interop/rig"
)

const (
	size  = 1 << 30
	limit = 64 << 20 // of the resident memory of the whole process
)

func main() { rig.Main(5*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	backend := httptest.NewServer(http.HandlerFunc(transfer))
	defer backend.Close()
	config := fmt.Sprintf("routes: [{path: /api/, max_body: 2GiB, timeout: 2m, upstreams: [%q]}]\n", backend.URL)
	table := rig.NewTable("listener", "what", "idle RSS, MiB", "peak RSS, MiB", "MiB/s", "under 64 MiB")
	plain, err := r.Gateway(ctx, config, nil)
	if err != nil {
		return err
	}
	if err := measure(ctx, r, table, "HTTP/1.1", plain, http.DefaultClient); err != nil {
		return err
	}
	cert, err := r.NewCertificate()
	if err != nil {
		return err
	}
	secure, err := r.Gateway(ctx, config, cert)
	if err != nil {
		return err
	}
	if err := measure(ctx, r, table, "HTTP/2 over TLS", secure, cert.Client()); err != nil {
		return err
	}
	table.Print("1 GiB through wxgate serve: memory of the gateway's process")
	return nil
}

// transfer is the backend: it responds to an upload with its length, and to a GET with a
// download.
func transfer(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = io.Copy(w, body())
		return
	}
	n, _ := io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, n)
}

// body returns size zero bytes.
func body() io.Reader { return io.LimitReader(zeros{}, size) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// measure runs the transfers through one gateway and adds a row for each.
func measure(ctx context.Context, r *rig.Rig, t *rig.Table, listener string, g *rig.Gateway, client *http.Client) error {
	token, _, err := g.Login(ctx, client, "alice")
	if err != nil {
		return err
	}
	c := transferClient{g, client, token}
	idle, err := g.Memory("VmRSS")
	if err != nil {
		return err
	}
	for _, s := range []struct {
		what string
		run  func(context.Context) error
		sent int
	}{{"upload", c.upload, size}, {"download", c.download, size}, {"both at once", c.both, 2 * size}} {
		if err := g.ResetPeak(); err != nil {
			return err
		}
		start := time.Now()
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s, %s: %w", listener, s.what, err)
		}
		speed := float64(s.sent>>20) / time.Since(start).Seconds()
		peak, err := g.Memory("VmHWM")
		if err != nil {
			return err
		}
		t.Add(listener, s.what, rig.MiB(idle), rig.MiB(peak), fmt.Sprintf("%.0f", speed), r.Check(peak < limit))
	}
	return nil
}

// transferClient is a logged-in user at a gateway.
type transferClient struct {
	g      *rig.Gateway
	client *http.Client
	token  string
}

func (c transferClient) upload(ctx context.Context) error {
	got, err := c.send(ctx, http.MethodPost, body(), func(r io.Reader) (int64, error) {
		var n int64
		_, err := fmt.Fscan(r, &n)
		return n, err
	})
	return checkSize(got, err)
}

func (c transferClient) download(ctx context.Context) error {
	got, err := c.send(ctx, http.MethodGet, nil, func(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) })
	return checkSize(got, err)
}

func (c transferClient) both(ctx context.Context) error {
	var upload error
	var running sync.WaitGroup
	running.Go(func() { upload = c.upload(ctx) })
	download := c.download(ctx)
	running.Wait()
	return errors.Join(upload, download)
}

// send sends a request and reads the response, which must be a 200, with read.
func (c transferClient) send(ctx context.Context, method string, body io.Reader, read func(io.Reader) (int64, error)) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.g.URL("/api/large"), body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("response %s", res.Status)
	}
	return read(res.Body)
}

// checkSize reports a transfer that isn't whole.
func checkSize(got int64, err error) error {
	if err == nil && got != size {
		return fmt.Errorf("%d of %d bytes arrived", got, size)
	}
	return err
}
