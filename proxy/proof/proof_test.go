package proof_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"wxgate/proxy/proof"
)

// vectorKey returns the newest key of the sample response in WeChat's documentation of
// getuserencryptkey.
func vectorKey(t testing.TB) proof.Key {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString("VI6BpyrK9XH4i4AIGe86tg==")
	if err != nil {
		t.Fatal(err)
	}
	return proof.Key{EncryptKey: [16]byte(raw), IV: "6003f73ec441c386"}
}

const (
	postHash = "82f3016940a9ea1db5513f25570d355278d0f56155bd85c86d931a2da7eb704d"
	postLine = "v=1;k=10;t=1764230400;n=abcdefghijklmnop;h=" + postHash + ";s=zLYQey1N3pA0SMTTTg0BSuu8NdK8snaHBvmDWEz0oYk"
	getLine  = "v=1;k=10;t=1764230400;n=ABCDEFGHIJKLMNOP-_012345;h=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;s=v3WIR29OgAeuQjvD3o2G8vYFvE79HMpM0qFPYq8plNA"
)

var (
	postRequest = proof.Request{Method: "POST", Host: "api.example.com", Target: "/api/orders?x=%e4%bd%a0&y=%7e", ContentType: "application/json"}
	getRequest  = proof.Request{Method: "GET", Host: "api.example.com", Target: "/api/me?"}
)

// The signatures were computed with Python's hmac and hashlib after the documentation, not
// with this package.
func TestProofOfAnotherImplementationVerifies(t *testing.T) {
	for line, request := range map[string]proof.Request{postLine: postRequest, getLine: getRequest} {
		p, err := proof.Parse(line)
		if err != nil || !p.Verify(vectorKey(t), request) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if got := proof.HashBody([]byte(`{"sku":"A1"}`)); got != postHash {
		t.Errorf("HashBody = %s", got)
	}
}

func TestChangedRequestDoesNotVerify(t *testing.T) {
	changes := map[string]func(*proof.Request){
		"method":                  func(r *proof.Request) { r.Method = "PUT" },
		"host":                    func(r *proof.Request) { r.Host = "evil.example.com" },
		"path":                    func(r *proof.Request) { r.Target = "/api/order?x=%e4%bd%a0&y=%7e" },
		"query":                   func(r *proof.Request) { r.Target = "/api/orders?x=%e4%bd%a0&y=%7e&z=1" },
		"type":                    func(r *proof.Request) { r.ContentType = "text/plain" },
		"no type":                 func(r *proof.Request) { r.ContentType = "" },
		"escaped /":               func(r *proof.Request) { r.Target = "/api%2forders?x=%e4%bd%a0&y=%7e" },
		"moved from path to host": func(r *proof.Request) { r.Host, r.Target = "api.example.com/api", "/orders?x=%e4%bd%a0&y=%7e" },
	}
	p, err := proof.Parse(postLine)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range changes {
		r := postRequest
		change(&r)
		if p.Verify(vectorKey(t), r) {
			t.Errorf("%s: the proof still verifies", name)
		}
	}
}

func TestChangedProofDoesNotVerify(t *testing.T) {
	changes := [][2]string{
		{"t=1764230400", "t=1764230401"}, {"n=abcdefghijklmnop", "n=abcdefghijklmnoq"}, {"h=" + postHash[:1], "h=0"},
	}
	for _, c := range changes {
		p, err := proof.Parse(strings.Replace(postLine, c[0], c[1], 1))
		if err != nil || p.Verify(vectorKey(t), postRequest) {
			t.Errorf("%s in place of %s: %v, or the proof still verifies", c[1], c[0], err)
		}
	}
	p, err := proof.Parse(postLine)
	if err != nil {
		t.Fatal(err)
	}
	other := vectorKey(t)
	other.EncryptKey[0] ^= 1
	otherIV := vectorKey(t)
	otherIV.IV = "7996656384218dbb"
	if p.Verify(other, postRequest) || p.Verify(otherIV, postRequest) {
		t.Error("the proof verifies under another key")
	}
}

func TestParseRejectsEveryOtherForm(t *testing.T) {
	valid := postLine
	replace := func(old, new string) string { return strings.Replace(valid, old, new, 1) }
	for name, line := range map[string]string{
		"empty": "", "leading space": " " + valid, "trailing space": valid + " ", "space between fields": replace(";k", "; k"),
		"trailing semicolon": valid + ";", "additional field": valid + ";x=1", "duplicate field": replace("k=10", "k=10;k=10"),
		"wrong order": replace("v=1;k=10", "k=10;v=1"), "missing field": replace("n=abcdefghijklmnop;", ""),
		"version 2": replace("v=1", "v=2"), "capital name": replace("v=1", "V=1"),
		"signed version": replace("k=10", "k=+10"), "leading zero": replace("k=10", "k=010"), "negative": replace("k=10", "k=-1"), "huge": replace("k=10", "k=9223372036854775807"),
		"fraction": replace("t=1764230400", "t=1764230400.5"), "milliseconds": replace("t=1764230400", "t=1764230400000000"),
		"short nonce": replace("n=abcdefghijklmnop", "n=abcdefghijklmno"), "long nonce": replace("n=abcdefghijklmnop", "n="+strings.Repeat("a", 33)),
		"nonce alphabet": replace("n=abcdefghijklmnop", "n=abcdefghijklmno+"), "capital hash": replace(postHash, strings.ToUpper(postHash)),
		"short hash": replace(postHash, postHash[1:]), "short signature": valid[:len(valid)-1], "long signature": valid + "A",
		"non-zero trailing bits": valid[:len(valid)-1] + "B",
	} {
		if _, err := proof.Parse(line); !errors.Is(err, proof.ErrMalformed) {
			t.Errorf("%s: %q was parsed", name, line)
		}
	}
}

func TestCanonicalTarget(t *testing.T) {
	for in, want := range map[string]string{
		"/a":             "/a",
		"/a?":            "/a",
		"/a??":           "/a??",
		"/a?b=%7e%2D%5f": "/a?b=~-_",
		"/%41%e4%bd%a0":  "/A%E4%BD%A0",
		"/a?x=%2f%2B":    "/a?x=%2F%2B",
		"/a?x=%zz%4":     "/a?x=%zz%4",
		"/a?x=%2541":     "/a?x=%2541",
		"/a?x=100%":      "/a?x=100%",
		"/a?x=%%411":     "/a?x=%%411",
		"/a?x=%4%31":     "/a?x=%4%31",
		"/a?x=%&y=%7e":   "/a?x=%&y=~",
	} {
		if got := proof.CanonicalTarget(in); got != want {
			t.Errorf("%s gives %s, not %s", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(postLine)
	f.Add(getLine)
	key := vectorKey(f)
	f.Fuzz(func(t *testing.T, line string) {
		p, err := proof.Parse(line)
		if err == nil && line != postLine && p.Verify(key, postRequest) {
			t.Errorf("%q verifies", line)
		}
	})
}

// The canonical form of a canonical form is itself, so that two targets that differ for a
// backend never have the same one.
func FuzzCanonicalTarget(f *testing.F) {
	for _, seed := range []string{"/a?b=%7e", "/a?%%411", "/%4%31", "/%%%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		once := proof.CanonicalTarget(target)
		if twice := proof.CanonicalTarget(once); twice != once && twice+"?" != once {
			t.Errorf("%q gives %q, and that gives %q", target, once, twice)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	p, err := proof.Parse(postLine)
	if err != nil {
		b.Fatal(err)
	}
	key := vectorKey(b)
	for b.Loop() {
		if !p.Verify(key, postRequest) {
			b.Fatal("the proof does not verify")
		}
	}
}
