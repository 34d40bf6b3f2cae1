package config

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"
)

func TestDurationsArePrintedAsWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0s", "300ms", "5s", "1m", "1m30s", "10m", "1h", "1h30m", "168h", "1h0m5s", "100h"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != text {
			t.Errorf("%s: got %v, %v", text, d, err)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{"0": 0, "512B": 512, "32KiB": 32 << 10, "10MiB": 10 << 20, "1GiB": 1 << 30, "1025B": 1025} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want || s.String() != text {
			t.Errorf("%s: got %d, %v, %v", text, int64(s), s, err)
		}
	}
	for _, text := range []string{"", "10", "1.5MiB", "-1MiB", "+1MiB", "10MB", "10M", "MiB", "10 MiB", "10mib", "1e3B", "9223372036854775807KiB"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was parsed as %v", text, s)
		}
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{"": {}, "5/s": {5, time.Second}, "30/m": {30, time.Minute}, "100/h": {100, time.Hour}} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want || r.String() != text {
			t.Errorf("%q: got %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"5", "5/", "/s", "5/d", "-5/s", "0/s", "1.5/s", "5/s/s", "1000001/s", "5 / s"} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was parsed as %v", text, r)
		}
	}
}

func TestAKeyMayUseAnyBase64Alphabet(t *testing.T) {
	t.Parallel()
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(255 - 3*i) // with - and _ in it
	}
	for name, encoding := range map[string]*base64.Encoding{
		"standard": base64.StdEncoding, "standard, no padding": base64.RawStdEncoding,
		"URL": base64.URLEncoding, "URL, no padding": base64.RawURLEncoding,
	} {
		var k Key
		if err := k.UnmarshalText([]byte(encoding.EncodeToString(raw))); err != nil || !bytes.Equal([]byte(k.Raw.Reveal()), raw) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWeakKeysAreRefused(t *testing.T) {
	t.Parallel()
	random := []byte("\x8f\x11\xd0\x5a\x33\x97\xee\x42\x6b\x01\xc8\x9d\x74\x2f\xb3\x50\xa6\x1c\xe9\x87\x0d\x65\xfa\x38\xd4\x7b\x22\x9e\xc1\x5f\x06\xb8")
	for name, raw := range map[string][]byte{
		"empty":          {},
		"31 bytes":       random[:31],
		"changeme again": bytes.Repeat([]byte("changeme"), 8),
		"ChangeMe in it": append([]byte("ChangeMe"), random...),
		"too long":       bytes.Repeat(random, 40),
	} {
		var k Key
		if err := k.UnmarshalText([]byte(base64.StdEncoding.EncodeToString(raw))); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	var k Key
	if err := k.UnmarshalText([]byte(base64.StdEncoding.EncodeToString(random))); err != nil {
		t.Error(err)
	}
}

func TestNetworksAreMasked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.1.2.3/8": "10.0.0.0/8", "192.168.1.7": "192.168.1.7/32", "fd00::1/8": "fd00::/8", "::1": "::1/128",
	} {
		var n Network
		if err := n.UnmarshalText([]byte(text)); err != nil || n.String() != want {
			t.Errorf("%s: got %v, %v", text, n, err)
		}
	}
}
