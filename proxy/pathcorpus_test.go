package proxy

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"wxgate/internal/httprule"
)

// normalizers are transformations that backends, and proxies in front of them, apply to a
// path.
var normalizers = map[string]func(string) string{
	"decode once":   decodeLoosely,
	"decode twice":  func(p string) string { return decodeLoosely(decodeLoosely(p)) },
	"decode thrice": func(p string) string { return decodeLoosely(decodeLoosely(decodeLoosely(p))) },
	"cut parameters": func(p string) string {
		segments := strings.Split(p, "/")
		for i := range segments {
			segments[i], _, _ = strings.Cut(segments[i], ";")
		}
		return strings.Join(segments, "/")
	},
	"merge slashes": func(p string) string {
		for strings.Contains(p, "//") {
			p = strings.ReplaceAll(p, "//", "/")
		}
		return p
	},
	"resolve dots":       path.Clean,
	"backslash to slash": func(p string) string { return strings.ReplaceAll(p, `\`, "/") },
	"end at NUL":         func(p string) string { p, _, _ = strings.Cut(p, "\x00"); return p },
	"end at ? and #": func(p string) string {
		if i := strings.IndexAny(p, "?#"); i >= 0 {
			return p[:i]
		}
		return p
	},
	"fold case":     strings.ToLower,
	"drop controls": func(p string) string { return strings.Map(keepPrintable, p) },
	"overlong forms": func(p string) string {
		return strings.NewReplacer("\xc0\xae", ".", "\xc0\xaf", "/", "\xe0\x80\xae", ".", "%c0%ae", ".", "%c0%af", "/").Replace(p)
	},
}

func keepPrintable(c rune) rune {
	if c < ' ' || c == 0x7f {
		return -1
	}
	return c
}

func decodeLoosely(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if raw, err := hex.DecodeString(p[min(i+1, len(p)):min(i+3, len(p))]); p[i] == '%' && err == nil && len(raw) == 1 {
			b.WriteByte(raw[0])
			i += 2
			continue
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// corpus returns n paths composed of the pieces of known attacks.
func corpus(n int) []string {
	pieces := []string{
		"/public", "/api", "/admin", "/secret", "public", "api", "admin", "/", "//", "..", ".", "/../", "/./", "%2e", "%2E%2e", "%252e", "%25%32%65", "%2f", "%2F", "%252f",
		`\`, "%5c", "%255c", ";", ";x=y", "%3b", "%253b", "..;", "%00", "%0a", "%0d%0a", "%09", "%20", "%3f", "%23", "#", "?", "%c0%ae", "%c0%af", "%e0%80%ae", "%ff", "%ef%bc%8f",
		"%u002e", "%", "%2", "%41", "%61pi", "%2561pi", "API", "a", "x.css", "~", "%25", "%2525", "\t",
	}
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]string, n)
	for i := range all {
		all[i] = "/public/"
		for range 1 + random.IntN(7) {
			all[i] += pieces[random.IntN(len(pieces))]
		}
		if random.IntN(2) == 0 {
			all[i] += "/api/admin/secret"
		}
	}
	return all
}

// TestPublicPathIsNeverAProtectedPathForABackend (PN-45): a path that
// matches /public/ must not be under /api/admin for a backend that applies any two
// normalizers to it and resolves the result.
func TestPublicPathIsNeverAProtectedPathForABackend(t *testing.T) {
	t.Parallel()
	table := NewRouteTable([]*Route{
		{Name: "public", Path: "/public/", Auth: AuthNone},
		{Name: "api", Path: "/api/", Auth: AuthRequired},
		{Name: "admin", Path: "/api/admin/", Auth: AuthRequired, Roles: []string{"admin"}},
	})
	accepted := 0
	for _, raw := range corpus(20_000) {
		u, err := url.ParseRequestURI(raw)
		if err != nil || !httprule.ValidTarget(raw) || table.ambiguousRoute("gw.test", u.Path) {
			continue
		}
		if m := table.Match("gw.test", u.Path, func(*Route) bool { return true }); m.Route == nil || m.Route.Name != "public" {
			t.Fatalf("%q matched %v", raw, m.Route)
		}
		accepted++
		for how, served := range normalizedForms(u.EscapedPath()) {
			if path.Clean(served) == "/api/admin" || strings.HasPrefix(path.Clean(served), "/api/admin/") || !strings.HasPrefix(served+"/", "/public/") {
				t.Fatalf("%q is public, and %s make it %q", raw, how, served)
			}
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d paths were accepted: the corpus is too small", accepted)
	}
}

// normalizedForms applies every pair of normalizers to a path.
func normalizedForms(raw string) map[string]string {
	all := map[string]string{}
	for first, a := range normalizers {
		for second, b := range normalizers {
			all[fmt.Sprint(slices.Concat([]string{first}, []string{second}))] = b(a(raw))
		}
	}
	return all
}
