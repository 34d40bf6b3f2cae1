package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"wxgate/internal/config"
	"wxgate/internal/httprule"
	"wxgate/session"
)

// probeCase is a request to an upstream, which must accept the first one only.
type probeCase struct {
	name   string
	header http.Header
}

// forger makes assertions: a valid one, and what an attacker could make of it.
type forger struct {
	header   string // that carries the assertion
	identity http.Header
	valid    string
	expired  string
	otherAud string
	otherIss string
	jwk      publicJWK

	stores []*session.Store
}

// forgedAge is how long ago the expired assertion was signed: beyond any leeway.
const forgedAge = time.Hour

// newForger signs with the gateway's own secrets, in memory: Redis isn't asked.
func newForger(cfg *config.Config, route string) (*forger, error) {
	f := &forger{header: cfg.Identity.Assertion.Header, identity: probeIdentity(cfg)}
	now := time.Now()
	for _, a := range []struct {
		text     *string
		at       time.Time
		issuer   string
		audience string
	}{
		{&f.valid, now, cfg.Token.Issuer, route},
		{&f.expired, now.Add(-forgedAge), cfg.Token.Issuer, route},
		{&f.otherAud, now, cfg.Token.Issuer, route + "-other"},
		{&f.otherIss, now, cfg.Token.Issuer + "-other", route},
	} {
		c := sessionConfig(cfg)
		c.Redis, c.Issuer, c.Now = session.RedisConfig{}, a.issuer, func() time.Time { return a.at }
		store, err := session.Open(c)
		if err != nil {
			f.close()
			return nil, err
		}
		f.stores = append(f.stores, store)
		who := session.Login{AppID: cfg.Apps[0].AppID, OpenID: httprule.ProbeSubject}
		if *a.text, err = store.AssertHook(who, a.audience); err != nil {
			f.close()
			return nil, err
		}
	}
	return f, f.readKey()
}

func (f *forger) close() {
	for _, store := range f.stores {
		store.Close()
	}
}

// probeIdentity is what an attacker would write into the identity headers.
func probeIdentity(cfg *config.Config) http.Header {
	h := http.Header{}
	for name, value := range map[string]string{
		cfg.Identity.Headers.OpenID: httprule.ProbeSubject, cfg.Identity.Headers.AppID: cfg.Apps[0].AppID,
	} {
		if name != "" {
			h.Set(name, value)
		}
	}
	return h
}

// cases are the requests, the valid one first.
func (f *forger) cases() []probeCase {
	list := []probeCase{
		{"a valid assertion", f.with(f.valid)},
		{"no assertion", http.Header{}},
		{"identity headers alone", f.identity},
		{"a signature by another key under the same kid", f.with(f.signedByAnotherKey())},
		{"alg none", f.with(f.resigned("none", func(string) []byte { return nil }))},
		{"an expired assertion", f.with(f.expired)},
		{"an assertion for another aud", f.with(f.otherAud)},
		{"an assertion of another iss", f.with(f.otherIss)},
	}
	for _, key := range f.jwk.secrets() {
		list = append(list, probeCase{"HS256 with the public key as secret", f.with(f.resigned("HS256", func(signed string) []byte {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(signed))
			return mac.Sum(nil)
		}))})
	}
	return list
}

func (f *forger) with(assertion string) http.Header {
	h := f.identity.Clone()
	h.Set(f.header, assertion)
	return h
}

// resigned is the valid assertion under another algorithm.
func (f *forger) resigned(alg string, sign func(signed string) []byte) string {
	header, rest, _ := strings.Cut(f.valid, ".")
	claims, _, _ := strings.Cut(rest, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(header) // it is the session package's own
	var fields map[string]any
	_ = json.Unmarshal(raw, &fields)
	fields["alg"] = alg
	raw, _ = json.Marshal(fields)
	signed := base64.RawURLEncoding.EncodeToString(raw) + "." + claims
	return signed + "." + base64.RawURLEncoding.EncodeToString(sign(signed))
}

func (f *forger) signedByAnotherKey() string {
	return f.resigned("ES256", func(signed string) []byte {
		digest := sha256.Sum256([]byte(signed))
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil
		}
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	})
}

// publicJWK is the key that the valid assertion is signed with, as published.
type publicJWK struct {
	X, Y string
	text string
}

// readKey finds the first key, which signs.
func (f *forger) readKey() error {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(f.stores[0].JWKS(), &set); err != nil || len(set.Keys) == 0 {
		return errors.New("the gateway publishes no key")
	}
	f.jwk.text = string(set.Keys[0])
	return json.Unmarshal(set.Keys[0], &f.jwk)
}

// secrets are the forms in which a library that takes the public key for a
// secret would have it.
func (k publicJWK) secrets() [][]byte {
	x, errX := base64.RawURLEncoding.DecodeString(k.X)
	y, errY := base64.RawURLEncoding.DecodeString(k.Y)
	if errX != nil || errY != nil {
		return nil
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return [][]byte{text, []byte(strings.TrimSpace(string(text))), der, []byte(k.text)}
}
