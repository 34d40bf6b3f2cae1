package websession_test

import (
	"net/url"
	"strings"
	"testing"

	"wxgate/proxy/websession"
)

func TestNextIsNoOpenRedirect(t *testing.T) {
	for next, want := range map[string][2]string{
		"/h5/orders":            {"/h5/orders", "/h5/orders"},
		"/h5/orders?x=1#/list":  {"/h5/orders?x=1", "/h5/orders?x=1#/list"},
		"/h5/?city=北京#/列表":      {"/h5/?city=%E5%8C%97%E4%BA%AC", "/h5/?city=%E5%8C%97%E4%BA%AC#/%E5%88%97%E8%A1%A8"},
		"/h5/#":                 {"/h5/", "/h5/#"},
		"/h5/?to=https://x.com": {"/h5/?to=https://x.com", "/h5/?to=https://x.com"},
	} {
		target, location, err := websession.ParseNext(next)
		if err != nil || target != want[0] || location != want[1] {
			t.Errorf("%s: %q, %q, %v", next, target, location, err)
		}
	}
	for _, next := range []string{
		"", "h5", "//evil.example/x", "https://evil.example", `/\evil.example`, "/a\r\nSet-Cookie: a=b", "/a b", "/a\x00", "/a\x7f", "/\xff",
		"javascript:alert(1)", "/" + strings.Repeat("a", websession.MaxNext), "/a#\n",
	} {
		if target, _, err := websession.ParseNext(next); err == nil {
			t.Errorf("%q was accepted: %q", next, target)
		}
	}
}

// No value of next redirects to another origin, and every location is valid in a header.
func FuzzParseNext(f *testing.F) {
	for _, next := range []string{"/h5/orders?x=1#/list", "//evil.example", `/\evil.example`, "/h5/订单?q=你#好", "/a#//b", "/\t/evil.example", "https://evil.example/"} {
		f.Add(next)
	}
	base, err := url.Parse("https://api.example.com/auth/enter?ticket=x")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		target, location, err := websession.ParseNext(next)
		if err != nil {
			return
		}
		if strings.ContainsFunc(location, func(c rune) bool { return c <= ' ' || c >= 0x7f }) || !strings.HasPrefix(location, target) {
			t.Errorf("%q redirects to %q, with the target %q", next, location, target)
		}
		if u, err := base.Parse(location); err == nil && (u.Host != base.Host || u.Scheme != base.Scheme) {
			t.Errorf("%q redirects to %s", next, u)
		}
	})
}
