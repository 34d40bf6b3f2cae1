package httprule

import "testing"

func TestOriginsAreNormalised(t *testing.T) {
	for text, want := range map[string]string{
		"https://api.example.com":      "https://api.example.com",
		"HTTPS://API.Example.COM:443":  "https://api.example.com",
		"http://api.example.com:80":    "http://api.example.com",
		"https://api.example.com:8443": "https://api.example.com:8443",
		"http://api.example.com:443":   "http://api.example.com:443",
		"http://[2001:DB8::1]:8080":    "http://[2001:db8::1]:8080",
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080",
	} {
		o, err := ParseOrigin(text)
		if err != nil || o.String() != want {
			t.Errorf("%s is parsed as %s (%v), want %s", text, o, err, want)
		}
		again, err := ParseOrigin(o.String())
		if err != nil || again != o {
			t.Errorf("%s is parsed as %s, %v", o, again, err)
		}
	}
}

func TestInvalidOriginsAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "null", "api.example.com", "//api.example.com", "https://", "https://api.example.com/", "https://api.example.com/x",
		"https://api.example.com?", "https://api.example.com#", "https://u@api.example.com", "https://*.example.com", "ftp://api.example.com",
		"https://api.example.com:0", "https://api.example.com:99999", "https://api.example.com:443x", "https://a b", "https://api.example.com,https://b",
		"http://[fe80::1%25eth0]", "https://例子.cn", "https://api.example.com\\x",
	} {
		if o, err := ParseOrigin(text); err == nil {
			t.Errorf("%q is parsed as %s", text, o)
		}
	}
}
