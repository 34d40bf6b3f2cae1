package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"

	"wxgate/internal/testkit/process"
)

const bare = "httputil.ReverseProxy, nothing else"

func (c *comparison) startBare(ctx context.Context) error {
	if !c.wanted(bare) {
		return nil
	}
	p, address, err := c.startSelf(ctx, "bare", "http://"+c.backend)
	if err != nil {
		return err
	}
	c.peers = append(c.peers, &peer{name: bare, address: address, token: c.jwt(), processes: []*process.Process{p}})
	return nil
}

// startSelf starts this program in another role. The role prints the address that it
// listens on, which startSelf returns.
func (c *comparison) startSelf(ctx context.Context, role, argument string) (*process.Process, string, error) {
	p, err := c.rig.StartSelf(role, role, argument)
	if err != nil {
		return nil, "", err
	}
	address, err := p.Printed(ctx, `listening on (\S+)\n`)
	return p, address, err
}

// serveBare runs the standard library's proxy with the settings of production use:
// enough idle connections, and a pool of buffers.
func serveBare(backend string) {
	target, err := url.Parse(backend)
	if err != nil {
		fail(err)
	}
	listenAndServe(&httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
		Transport:  &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		BufferPool: &bufferPool{},
	})
}

func listenAndServe(h http.Handler) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	fmt.Println("listening on", ln.Addr())
	fail((&http.Server{ReadHeaderTimeout: time.Minute, Handler: h}).Serve(ln))
}

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}

// bufferPool is an httputil.BufferPool.
type bufferPool struct{ pool sync.Pool }

func (b *bufferPool) Get() []byte {
	if buf, ok := b.pool.Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, 32<<10)
}

func (b *bufferPool) Put(buf []byte) { b.pool.Put(&buf) }
