package websession_test

import (
	"strings"
	"testing"
	"time"

	"wxgate/proxy/websession"
)

func TestDuplicateCookieCountsAsNone(t *testing.T) {
	c := websession.Cookie{Name: "__Host-wxgate"}
	for _, x := range []struct {
		lines []string
		value string
		ok    bool
		left  string
	}{
		{nil, "", false, ""},
		{[]string{"a=1; __Host-wxgate=tok; b=2"}, "tok", true, "a=1; b=2"},
		{[]string{"a=1", "__Host-wxgate=tok"}, "tok", true, "a=1"},
		{[]string{"__Host-wxgate=one; __Host-wxgate=two"}, "one", false, ""},
		{[]string{"__Host-wxgate=tok", "__Host-wxgate=tok"}, "tok", false, ""},
		{[]string{"__host-wxgate=tok; a=1"}, "", false, "a=1"},
		{[]string{"__Host-wxgate = tok;a=1"}, "", false, "a=1"},
		{[]string{"=__Host-wxgate=tok;a=1"}, "", false, "a=1"},
		{[]string{`"__Host-wxgate"=tok;a=1`}, "", false, "a=1"},
		{[]string{"__Host-wxgate; a=1"}, "", false, "a=1"},
		{[]string{"__Host-wxgate=; a=1"}, "", false, "a=1"},
		{[]string{"__Host-wxgate2=x;;a=b=c "}, "", false, "__Host-wxgate2=x; a=b=c"},
	} {
		value, ok := c.Read(x.lines)
		if ok != x.ok || ok && value != x.value {
			t.Errorf("%q: read %q, %v", x.lines, value, ok)
		}
		if left := c.Strip(x.lines); left != x.left {
			t.Errorf("%q: Strip gives %q, not %q", x.lines, left, x.left)
		}
	}
}

func TestBackendCannotSetTheCookie(t *testing.T) {
	c := websession.Cookie{Name: "__Host-wxgate"}
	for line, want := range map[string]bool{
		"__Host-wxgate=x; Path=/": true, "__HOST-WXGATE=x": true, " __Host-wxgate =x": true, "=__Host-wxgate=x": true,
		"__Host-wxgate2=x": false, "sid=__Host-wxgate=x": false, "": false,
	} {
		if c.SetBy(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
	if (websession.Cookie{}).SetBy("=x") {
		t.Error("a line is rejected although web sessions are off")
	}
}

func TestCookieAttributes(t *testing.T) {
	c := websession.Cookie{Name: "__Host-wxgate"}
	if got, want := c.Set("tok", 12*time.Hour), "__Host-wxgate=tok; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("Set gives %s", got)
	}
	if got, want := c.Clear(), "__Host-wxgate=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("Clear gives %s", got)
	}
	c = websession.Cookie{Name: "wxgate_dev", Insecure: true}
	if strings.Contains(c.Set("tok", time.Hour), "Secure") {
		t.Error("a development cookie is Secure")
	}
}

func FuzzCookie(f *testing.F) {
	c := websession.Cookie{Name: "__Host-wxgate"}
	f.Add("a=1; __Host-wxgate=tok", "b=2")
	f.Fuzz(func(t *testing.T, one, two string) {
		left := c.Strip([]string{one, two})
		if _, ok := c.Read([]string{left}); ok {
			t.Errorf("%q remains of %q and %q", left, one, two)
		}
		if twice := c.Strip([]string{left}); twice != left {
			t.Errorf("stripping twice gives %q, and then %q", left, twice)
		}
	})
}
