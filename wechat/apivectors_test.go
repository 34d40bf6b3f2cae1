package wechat

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"wxgate/secret"
)

// apiVectors are published test vectors of the algorithms.
type apiVectors struct {
	AES struct {
		Key      string    `json:"key"`
		KeySN    string    `json:"key_sn"`
		Request  gcmVector `json:"request"`
		Response gcmVector `json:"response"`
	} `json:"aes256_gcm"`
	SM4 struct{ Key, IV, AAD, Plain, Ciphertext, Tag string } `json:"sm4_gcm"`
	SM2 struct {
		PrivateKey  secret.Text `json:"private_key"`
		Certificate string      `json:"certificate"`
		Message     string      `json:"message"`
		Signature   string      `json:"signature"`
	} `json:"sm2"`
}

type gcmVector struct {
	AAD     string `json:"aad"`
	IV      string `json:"iv"`
	AuthTag string `json:"authtag"`
	Data    string `json:"data"`
	Plain   string `json:"plain"`
}

func readAPIVectors(t testing.TB) apiVectors {
	t.Helper()
	return readVectorFile[apiVectors](t, "testdata/apisecurity.json")
}

func TestPublishedAESGCMDecrypts(t *testing.T) {
	t.Parallel()
	v := readAPIVectors(t).AES
	key, err := base64.StdEncoding.DecodeString(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := newAESGCM(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []gcmVector{v.Request, v.Response} {
		parts := strings.Split(g.AAD, "|")
		s := &apiSecurity{appid: parts[1], keySN: v.KeySN, aead: gcm}
		body, _ := json.Marshal(map[string]string{"iv": g.IV, "data": g.Data, "authtag": g.AuthTag})
		plain, ok := s.decrypt(parts[0], parts[2], body)
		if !ok || string(plain) != g.Plain || string(s.additionalData(parts[0], parts[2])) != g.AAD {
			t.Errorf("%q, %v", plain, ok)
		}
		if got, err := withoutProtocolFields(plain, parts[1], parts[2]); err != nil || strings.Contains(string(got), `"_`) {
			t.Errorf("%s, %v", got, err)
		}
	}
}

func TestSM4GCMIsThatOfRFC8998(t *testing.T) {
	t.Parallel()
	v := readAPIVectors(t).SM4
	raw := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	gcm, err := newSM4GCM(raw(v.Key))
	if err != nil {
		t.Fatal(err)
	}
	if got := gcm.Seal(nil, raw(v.IV), raw(v.Plain), raw(v.AAD)); !bytes.Equal(got, append(raw(v.Ciphertext), raw(v.Tag)...)) {
		t.Errorf("got %X", got)
	}
}

func TestSM2SignaturesAreThoseOfOpenSSL(t *testing.T) {
	t.Parallel()
	v := readAPIVectors(t).SM2
	verify, err := newSM2Verifier(v.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.StdEncoding.DecodeString(v.Signature)
	if err != nil || !verify([]byte(v.Message), signature) || verify([]byte(v.Message+" "), signature) {
		t.Errorf("OpenSSL's signature: %v", err)
	}
	sign, err := newSM2Signer(v.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	own, err := sign([]byte(v.Message))
	if err != nil || !verify([]byte(v.Message), own) {
		t.Errorf("our own: %v", err)
	}
}

func FuzzSealedResponse(f *testing.F) {
	v := readAPIVectors(f).AES
	key, _ := base64.StdEncoding.DecodeString(v.Key)
	gcm, err := newAESGCM(key)
	if err != nil {
		f.Fatal(err)
	}
	g := v.Response
	parts := strings.Split(g.AAD, "|")
	s := &apiSecurity{appid: parts[1], keySN: v.KeySN, aead: gcm}
	f.Add([]byte(`{"iv":"` + g.IV + `","data":"` + g.Data + `","authtag":"` + g.AuthTag + `"}`))
	f.Add([]byte(`{"iv":"AAAA"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		plain, ok := s.decrypt(parts[0], parts[2], body)
		if ok && string(plain) != g.Plain {
			t.Errorf("%q decrypted to %q", body, plain)
		}
		_, _ = withoutProtocolFields(body, parts[1], parts[2])
	})
}
