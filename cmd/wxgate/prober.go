package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// prober sends the requests of a probe to one upstream.
type prober struct {
	transport http.RoundTripper
	target    string // path and query
	host      string
	cases     []probeCase
}

// run sends the valid assertion first and last, as a control: only if the upstream
// accepts it does the refusal of the others prove anything.
func (p *prober) run(ctx context.Context) (result string, ok bool) {
	control := p.cases[0]
	if status, err := p.get(ctx, control.header); !accepted(status, err) {
		return "unknown: the valid assertion " + outcome(status, err), false
	}
	var forged []string
	for _, c := range p.cases[1:] {
		status, err := p.get(ctx, c.header)
		if err != nil {
			return fmt.Sprintf("unknown: %s %s", c.name, outcome(status, err)), false
		}
		if accepted(status, err) {
			forged = append(forged, fmt.Sprintf("%s (%d)", c.name, status))
			forged = slices.Compact(forged) // HS256 is sent with several encodings of one key
		}
	}
	if len(forged) > 0 {
		return "BELIEVES " + strings.Join(forged, ", "), false
	}
	if status, err := p.get(ctx, control.header); !accepted(status, err) {
		return "unknown: the valid assertion, sent again, " + outcome(status, err), false
	}
	return "ok, believes the valid assertion only", true
}

func accepted(status int, err error) bool { return err == nil && status/100 == 2 }

func outcome(status int, err error) string {
	if err != nil {
		return "got no response: " + err.Error()
	}
	return fmt.Sprintf("got %d", status)
}

// get does not follow redirects: a redirect is a refusal.
func (p *prober) get(ctx context.Context, header http.Header) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	u, err := url.ParseRequestURI(p.target)
	if err != nil {
		return 0, err
	}
	r := (&http.Request{Method: http.MethodGet, URL: u, Host: p.host, Header: header.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	res, err := p.transport.RoundTrip(r)
	if err != nil {
		return 0, withoutURL(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, nil
}
