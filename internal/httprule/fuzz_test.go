package httprule

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// Seeds for every condition of the path rule.
var pathSeeds = []string{
	"/", "/api/x", "/api/../x", "/api/%2e%2e/x", "/a%2fb", `/a\b`, "/a;b", "/a;b/c", "/a//b", "/a%00", "/a%zz", "/%", "/a%252e%252e/b",
	"/%25%32%65", "/..;/x", "/.;a", "/中文", "/%e4%bd%a0", "/%c0%ae", "/a%3b/b", "/%252525252f", "/a.b..c/...", "x", "", "/a#b", "/100%25",
}

// FuzzValidPath compares ValidPath with a slow implementation of its
// documentation, and with net/url's and path.Clean's reading of the path.
func FuzzValidPath(f *testing.F) {
	for _, seed := range pathSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if got, want := ValidPath(raw), validPathReference(raw); got != want {
			t.Fatalf("ValidPath(%q) is %v", raw, got)
		}
		if !ValidPath(raw) {
			return
		}
		u, err := url.ParseRequestURI(raw)
		if err != nil || strings.ContainsRune(raw, '?') {
			return // net/http refuses it, or splits it before the rule is applied
		}
		if clean := path.Clean(u.Path); clean != u.Path && clean+"/" != u.Path {
			t.Fatalf("%q was accepted, but its cleaned form is %q", raw, clean)
		}
	})
}

// validPathReference implements the documentation of ValidTarget directly.
func validPathReference(raw string) bool {
	if !strings.HasPrefix(raw, "/") || strings.Contains(raw, "//") || strings.ContainsAny(raw, " \\#") || invalidEscape.MatchString(raw) {
		return false
	}
	for range maxDecodings {
		if encodedSlash.MatchString(raw) {
			return false
		}
		decoded := escape.ReplaceAllStringFunc(raw, func(e string) string { c, _ := unescape(e); return string([]byte{c}) })
		if !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }) {
			return false
		}
		for segment := range strings.SplitSeq(decoded, "/") {
			if name, _, _ := strings.Cut(segment, ";"); name == "." || name == ".." {
				return false
			}
		}
		if semicolon := strings.IndexByte(decoded, ';'); semicolon >= 0 && strings.Contains(decoded[semicolon:], "/") {
			return false
		}
		if decoded == raw || !strings.Contains(decoded, "%") {
			return true
		}
		raw = decoded
	}
	return false
}

var (
	escape        = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	invalidEscape = regexp.MustCompile(`%($|[^0-9a-fA-F]|[0-9a-fA-F]($|[^0-9a-fA-F]))`)
	encodedSlash  = regexp.MustCompile(`%2[fF]`)
)

// FuzzRoutingHost checks that an accepted host is returned in canonical form,
// which RoutingHost then leaves unchanged.
func FuzzRoutingHost(f *testing.F) {
	for _, seed := range []string{"gw.test", "GW.test.:80", "[::1]:8080", "gw.test:abc", "a,b", "user@gw", "gw..test", "", ":80", "[", "[]", "[::1", "xn--gw-cja.test", "gẃ.test", strings.Repeat("a", 254)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		got, ok := RoutingHost(host)
		if !ok {
			return
		}
		if got == "" || len(got) > 253 || got != strings.ToLower(got) || strings.ContainsAny(got, " ,;@/\\?#%\"<>\x00\r\n\t") {
			t.Fatalf("RoutingHost(%q) is %q", host, got)
		}
		if again, ok := RoutingHost(got); !ok || again != got {
			t.Fatalf("RoutingHost(%q) is %q, but RoutingHost(%q) is %q, %v", host, got, got, again, ok)
		}
		if u, err := url.Parse("http://" + host + "/"); err == nil && !strings.EqualFold(strings.TrimSuffix(u.Hostname(), "."), strings.Trim(got, "[]")) {
			t.Fatalf("RoutingHost(%q) is %q, net/url parses %q", host, got, u.Hostname())
		}
	})
}

// FuzzHeaderPasses checks that no header of a client is forwarded that a backend
// could confuse with one that the gateway sets.
func FuzzHeaderPasses(f *testing.F) {
	for _, seed := range []string{"X-OpenID", "x_openid", "X.OpenID", "X-Open-ID", "X-Openid-", "X-WX-FOO", "Forwarded", "X-Forwarded-Host", "Accept", "X-OpenID2", "Te", ""} {
		f.Add(seed)
	}
	rules := NewHeaders([]string{"X-OpenID", "x-unionid", "X-AppID", "X-User-ID", "X-User-Roles", "X-Phone", "X-Identity-Assertion"})
	fold := func(name string) string {
		return strings.Map(func(c rune) rune {
			if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
				return c
			}
			return '_'
		}, strings.ToLower(name))
	}
	gatewayNames := map[string]bool{}
	for _, name := range []string{"X-OpenID", "X-UnionID", "X-AppID", "X-User-ID", "X-User-Roles", "X-Phone", "X-Identity-Assertion", "Authorization", "X-Real-IP", "X-Forwarded-For",
		"X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-ID", "Connection", "Transfer-Encoding", "Content-Length", "Host", "Upgrade", "Trailer", "X-HTTP-Method-Override"} {
		gatewayNames[fold(name)] = true
	}
	f.Fuzz(func(t *testing.T, name string) {
		h := http.Header{}
		h.Set(name, "oEVIL")
		for canonical := range h {
			for _, trusted := range []bool{false, true} {
				folded := fold(canonical)
				if rules.Request(canonical).PassesFromClient(trusted) && (gatewayNames[folded] || strings.HasPrefix(folded, "x_wx_")) {
					t.Fatalf("%q is forwarded, trusted %v", canonical, trusted)
				}
			}
		}
	})
}
