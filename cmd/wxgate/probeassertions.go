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

// probeCase is the header of one probe request. An upstream must accept the first
// case only.
type probeCase struct {
	name   string
	header http.Header
}

// probeAssertions are the assertions of a probe: a valid one, and those that an
// attacker could make from it.
type probeAssertions struct {
	header   string      // name of the assertion's header
	identity http.Header // the identity headers that an attacker would send
	valid    string
	expired  string
	otherAud string
	otherIss string
	jwk      publicJWK

	stores []*session.Store
}

// expiredAge is how long ago the expired assertion was signed: more than any clock
// leeway.
const expiredAge = time.Hour

// newProbeAssertions signs with the gateway's own secrets, in memory: Redis is not
// needed.
func newProbeAssertions(cfg *config.Config, route string) (*probeAssertions, error) {
	p := &probeAssertions{header: cfg.Identity.Assertion.Header, identity: probeIdentity(cfg)}
	now := time.Now()
	for _, a := range []struct {
		text     *string
		signedAt time.Time
		issuer   string
		audience string
	}{
		{&p.valid, now, cfg.Token.Issuer, route},
		{&p.expired, now.Add(-expiredAge), cfg.Token.Issuer, route},
		{&p.otherAud, now, cfg.Token.Issuer, route + "-other"},
		{&p.otherIss, now, cfg.Token.Issuer + "-other", route},
	} {
		c := sessionConfig(cfg)
		c.Redis, c.Issuer, c.Now = session.RedisConfig{}, a.issuer, func() time.Time { return a.signedAt }
		store, err := session.Open(c)
		if err != nil {
			p.close()
			return nil, err
		}
		p.stores = append(p.stores, store)
		subject := session.Login{AppID: cfg.Apps[0].AppID, OpenID: httprule.ProbeSubject}
		if *a.text, err = store.AssertHook(subject, a.audience); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, p.loadKey()
}

func (p *probeAssertions) close() {
	for _, store := range p.stores {
		store.Close()
	}
}

// probeIdentity returns identity headers as an attacker would send them.
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

// cases returns the requests of a probe, the valid one first.
func (p *probeAssertions) cases() []probeCase {
	list := []probeCase{
		{"a valid assertion", p.headerWith(p.valid)},
		{"no assertion", http.Header{}},
		{"identity headers alone", p.identity},
		{"a signature by another key under the same kid", p.headerWith(p.signedByAnotherKey())},
		{"alg none", p.headerWith(p.forged("none", func(string) []byte { return nil }))},
		{"an expired assertion", p.headerWith(p.expired)},
		{"an assertion for another aud", p.headerWith(p.otherAud)},
		{"an assertion of another iss", p.headerWith(p.otherIss)},
	}
	for _, key := range p.jwk.hmacKeys() {
		list = append(list, probeCase{"HS256 with the public key as secret", p.headerWith(p.forged("HS256", func(signingInput string) []byte {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(signingInput))
			return mac.Sum(nil)
		}))})
	}
	return list
}

func (p *probeAssertions) headerWith(assertion string) http.Header {
	h := p.identity.Clone()
	h.Set(p.header, assertion)
	return h
}

// forged returns the valid assertion with another alg and signature. sign returns the
// signature of a JWS signing input (RFC 7515, section 5.1).
func (p *probeAssertions) forged(alg string, sign func(signingInput string) []byte) string {
	header, rest, _ := strings.Cut(p.valid, ".")
	claims, _, _ := strings.Cut(rest, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(header) // made by package session, so it is valid
	var fields map[string]any
	_ = json.Unmarshal(raw, &fields)
	fields["alg"] = alg
	raw, _ = json.Marshal(fields)
	signingInput := base64.RawURLEncoding.EncodeToString(raw) + "." + claims
	return signingInput + "." + base64.RawURLEncoding.EncodeToString(sign(signingInput))
}

func (p *probeAssertions) signedByAnotherKey() string {
	return p.forged("ES256", func(signingInput string) []byte {
		digest := sha256.Sum256([]byte(signingInput))
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

// publicJWK is the published key that verifies the valid assertion.
type publicJWK struct {
	X, Y string
	text string
}

// loadKey loads the first published key, which is the one that signs.
func (p *probeAssertions) loadKey() error {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(p.stores[0].JWKS(), &set); err != nil || len(set.Keys) == 0 {
		return errors.New("the gateway publishes no key")
	}
	p.jwk.text = string(set.Keys[0])
	return json.Unmarshal(set.Keys[0], &p.jwk)
}

// hmacKeys returns the encodings of the public key that a vulnerable library would
// use as an HMAC key.
func (k publicJWK) hmacKeys() [][]byte {
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
