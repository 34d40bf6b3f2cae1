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

// normalisers are ways in which backends, and what stands before them, read a
// path.
var normalisers = map[string]func(string) string{
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
	"resolve dots":    path.Clean,
	"back to slashes": func(p string) string { return strings.ReplaceAll(p, `\`, "/") },
	"end at NUL":      func(p string) string { p, _, _ = strings.Cut(p, "\x00"); return p },
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

// corpus makes n paths out of the pieces that attacks are made of.
func corpus(n int) []string {
	pieces := []string{
		"/public", "/api", "/admin", "/secret", "public", "api", "admin", "/", "//", "..", ".", "/../", "/./", "%2e", "%2E%2e", "%252e", "%25%32%65", "%2f", "%2F", "%252f",
		`\`, "%5c", "%255c", ";", ";x=y", "%3b", "%253b", "..;", "%00", "%0a", "%0d%0a", "%09", "%20", "%3f", "%23", "#", "?", "%c0%ae", "%c0%af", "%e0%80%ae", "%ff", "%ef%bc%8f",
		"%u002e", "%", "%2", "%41", "%61pi", "%2561pi", "API", "a", "x.css", "~", "%25", "%2525", "\t",
	}
	dice := rand.New(rand.NewPCG(1, 2))
	all := make([]string, n)
	for i := range all {
		all[i] = "/public/"
		for range 1 + dice.IntN(7) {
			all[i] += pieces[dice.IntN(len(pieces))]
		}
		if dice.IntN(2) == 0 {
			all[i] += "/api/admin/secret"
		}
	}
	return all
}

// TestWhatPassesAsOpenIsNothingElseToAnyBackend (PN-45): a path that is let
// through under /public/ must not lie under /api/admin for a backend that
// normalises it by any two steps in a row, and then resolves it.
func TestWhatPassesAsOpenIsNothingElseToAnyBackend(t *testing.T) {
	t.Parallel()
	table := NewTable([]*Route{
		{Name: "public", Path: "/public/", Auth: AuthNone},
		{Name: "api", Path: "/api/", Auth: AuthRequired},
		{Name: "admin", Path: "/api/admin/", Auth: AuthRequired, Roles: []string{"admin"}},
	})
	passed := 0
	for _, raw := range corpus(20_000) {
		u, err := url.ParseRequestURI(raw)
		if err != nil || !httprule.ValidTarget(raw) || table.ambiguousRoute("gw.test", u.Path) {
			continue
		}
		if m := table.Match("gw.test", u.Path, func(*Route) bool { return true }); m.Route == nil || m.Route.Name != "public" {
			t.Fatalf("%q has route %v", raw, m.Route)
		}
		passed++
		for how, served := range readings(u.EscapedPath()) {
			if path.Clean(served) == "/api/admin" || strings.HasPrefix(path.Clean(served), "/api/admin/") || !strings.HasPrefix(served+"/", "/public/") {
				t.Fatalf("%q passes as open, and %s make it %q", raw, how, served)
			}
		}
	}
	if passed < 1000 {
		t.Errorf("only %d paths passed: the corpus tries too little", passed)
	}
}

// readings gives what each two normalisers in a row make of a path.
func readings(raw string) map[string]string {
	all := map[string]string{}
	for first, a := range normalisers {
		for second, b := range normalisers {
			all[fmt.Sprint(slices.Concat([]string{first}, []string{second}))] = b(a(raw))
		}
	}
	return all
}
