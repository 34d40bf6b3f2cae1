package proof_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"

	"wxgate/proxy/proof"
)

// vector is one of the test vectors that the tests of the mini program's module use too.
// They were computed with Node's crypto.
type vector struct {
	Name string
	Key  struct {
		EncryptKey []byte
		IV         string
		Version    int64
	}
	Method, Host, Target, Canonical, ContentType string
	Body                                         *string // base64; null for an upload
	Proof                                        string
}

func TestProofsOfTheMiniProgramModuleVerify(t *testing.T) {
	for _, v := range vectors(t) {
		p, err := proof.Parse(v.Proof)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		key := proof.Key{EncryptKey: [16]byte(v.Key.EncryptKey), IV: v.Key.IV}
		request := proof.Request{Method: v.Method, Host: v.Host, Target: v.Target, ContentType: v.ContentType}
		if !p.Verify(key, request) {
			t.Errorf("%s: the proof doesn't verify", v.Name)
		}
		request.Method += "X"
		if p.Verify(key, request) {
			t.Errorf("%s: the proof verifies for another method", v.Name)
		}
		if got := proof.CanonicalTarget(v.Target); got != v.Canonical {
			t.Errorf("%s: canonical target %s, not %s", v.Name, got, v.Canonical)
		}
		if p.Version != v.Key.Version || p.BodyHash != v.bodyHash(t) {
			t.Errorf("%s: version %d, hash %s", v.Name, p.Version, p.BodyHash)
		}
	}
}

// vectors reads the test vectors.
func vectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile("../../miniprogram/test/proof-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(text, &vs); err != nil || len(vs) < 15 {
		t.Fatalf("%d vectors: %v", len(vs), err)
	}
	return vs
}

// bodyHash is the hash that the proof of the vector must contain.
func (v vector) bodyHash(t *testing.T) string {
	t.Helper()
	if v.Body == nil {
		return proof.Unsigned
	}
	body, err := base64.StdEncoding.DecodeString(*v.Body)
	if err != nil {
		t.Fatal(err)
	}
	return proof.HashBody(body)
}
