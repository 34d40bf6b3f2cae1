package proxy

import (
	"testing"
)

func TestJarCookiesMatchPathsInOrder(t *testing.T) {
	t.Parallel()
	jar := addCookies(nil, []storedCookie{{Name: "old", Value: "1", Path: "/"}, {Name: "deep", Value: "2", Path: "/a/b"}, {Name: "slash", Value: "3", Path: "/a/"}}, cookieNow)
	jar = addCookies(jar, []storedCookie{{Name: "new", Value: "4", Path: "/"}, {Name: "old", Value: "5", Path: "/"}}, cookieNow)
	for path, want := range map[string]string{
		"/": "old=5; new=4", "/a": "old=5; new=4", "/a/": "slash=3; old=5; new=4", "/a/b": "deep=2; slash=3; old=5; new=4",
		"/a/b/c": "deep=2; slash=3; old=5; new=4", "/a/bc": "slash=3; old=5; new=4",
	} {
		if got := cookieLine(jar, path, cookieNow); got != want {
			t.Errorf("%s gets %q", path, got)
		}
	}
	jar = addCookies(jar, []storedCookie{{Name: "old", Path: "/", Expires: cookieNow}}, cookieNow)
	if got := cookieLine(jar, "/", cookieNow); got != "new=4" {
		t.Errorf("after one expired: %q", got)
	}
}

func TestCookieDomainMustMatchTheBackend(t *testing.T) {
	t.Parallel()
	hosts := []string{"shop.example.com", "backend"}
	for domain, want := range map[string]bool{
		"": true, "shop.example.com": true, "example.com": true, "backend": true,
		"com": false, "hop.example.com": false, "evil.com": false, "shop.example.com.evil.com": false, "end": false,
	} {
		if domainMatches(domain, hosts) != want {
			t.Errorf("Domain=%s matches: %v", domain, !want)
		}
	}
}
