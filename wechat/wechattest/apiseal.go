package wechattest

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// apiBase is the base of the URL that is signed, wherever the simulator listens.
const apiBase = "https://api.weixin.qq.com"

// apiSkew is the maximum difference between a call's timestamp and the server's clock.
const apiSkew = 5 * time.Minute

// sealedBody is an encrypted body.
type sealedBody struct {
	IV      []byte `json:"iv"`
	Data    []byte `json:"data"`
	AuthTag []byte `json:"authtag"`
}

// openRequest verifies and decrypts a signed call in place. If ok is false, res is the
// error; an unsigned call of a path that must be signed is one.
func (s *Server) openRequest(r *request) (res response, ok bool) {
	s.mu.Lock()
	a := s.apps[r.Header.Get("Wechatmp-Appid")]
	s.mu.Unlock()
	if r.Header.Get("Wechatmp-Signature") == "" {
		return s.checkUnsigned(r)
	}
	if a == nil || a.security == nil {
		return failure(40233, "invalid appid of signature"), false
	}
	timestamp := r.Header.Get("Wechatmp-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if age := s.now().Sub(time.Unix(seconds, 0)); err != nil || age > apiSkew || age < -apiSkew {
		return failure(40231, "timestamp expired"), false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSON))
	if err != nil {
		return failure(44002, "empty post data"), false
	}
	signature, err := base64.StdEncoding.DecodeString(r.Header.Get("Wechatmp-Signature"))
	if err != nil || !a.security.verify([]byte(apiBase+r.URL.Path+"\n"+a.ID+"\n"+timestamp+"\n"+string(body)), signature) {
		return failure(40234, "invalid signature"), false
	}
	return r.decrypt(a, timestamp, body)
}

// checkUnsigned refuses an unsigned call of a path that must be signed.
func (s *Server) checkUnsigned(r *request) (res response, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[r.query.Get("access_token")]
	if t != nil && t.app.security != nil && slices.Contains(t.app.security.keys.Paths, r.URL.Path) {
		return failure(40232, "signature missing"), false
	}
	return response{}, true
}

// decrypt decrypts the parameters into the body, and also into the query for the APIs that
// read it.
func (r *request) decrypt(a *app, timestamp string, body []byte) (response, bool) {
	var got sealedBody
	if json.Unmarshal(body, &got) != nil || len(got.IV) != a.security.aead.NonceSize() {
		return failure(40235, "invalid encrypted data"), false
	}
	plain, err := a.security.aead.Open(nil, got.IV, append(got.Data, got.AuthTag...), a.security.additionalData(a.ID, r.URL.Path, timestamp))
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(plain))
	d.UseNumber()
	if err != nil || d.Decode(&fields) != nil || fields["_appid"] != a.ID || fmt.Sprint(fields["_timestamp"]) != timestamp || fields["_n"] == "" {
		return failure(40237, "decrypt failed"), false
	}
	for name, value := range fields {
		switch value := value.(type) {
		case string, json.Number, bool:
			if name[0] != '_' {
				r.query.Set(name, fmt.Sprint(value))
			}
		}
	}
	r.signedBy = a
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(plain)), int64(len(plain))
	return response{}, true
}

// additionalData is the additional authenticated data (AAD) of the encryption.
func (sec *security) additionalData(appid, path, timestamp string) []byte {
	return []byte(apiBase + path + "|" + appid + "|" + timestamp + "|" + sec.keys.KeySN)
}

// sealResponse encrypts and signs the response to a signed call.
func (s *Server) sealResponse(r *request, res response) response {
	a, now := r.signedBy, s.now().Unix()
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(res.body, &fields) != nil {
		return res // an image
	}
	timestamp := strconv.FormatInt(now, 10)
	fields["_n"], fields["_appid"], fields["_timestamp"] = mustJSON(newSerial()), mustJSON(a.ID), mustJSON(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	iv := make([]byte, a.security.aead.NonceSize())
	_, _ = rand.Read(iv)
	out := a.security.aead.Seal(nil, iv, mustJSON(fields), a.security.additionalData(a.ID, r.URL.Path, timestamp))
	tag := len(out) - a.security.aead.Overhead()
	res.body = mustJSON(sealedBody{iv, out[:tag], out[tag:]})
	res.header = http.Header{"Wechatmp-Appid": {a.ID}, "Wechatmp-TimeStamp": {timestamp}}
	message := []byte(apiBase + r.URL.Path + "\n" + a.ID + "\n" + timestamp + "\n" + string(res.body))
	for i, suffix := range []string{"", "-Deprecated"}[:len(a.security.platforms)] {
		signature, err := a.security.platforms[i].sign(message)
		if err != nil {
			return failure(-1, "system error")
		}
		res.header.Set("Wechatmp-Serial"+suffix, a.security.platforms[i].sn)
		res.header.Set("Wechatmp-Signature"+suffix, base64.StdEncoding.EncodeToString(signature))
	}
	return res
}
