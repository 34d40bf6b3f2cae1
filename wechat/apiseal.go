package wechat

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrNotEncryptable: a call of a path under api_security whose parameters can't be
// encrypted: no JSON object, a name of the protocol's own, or more than 256 KiB.
var ErrNotEncryptable = errors.New("wechat: only calls with a JSON body can be encrypted")

// apiSkew is how far the time of an answer may be from ours.
const apiSkew = 5 * time.Minute

// Headers of signed calls, spelled as WeChat's documentation does.
const (
	headerAppID               = "Wechatmp-Appid"
	headerTimestamp           = "Wechatmp-TimeStamp"
	headerSignature           = "Wechatmp-Signature"
	headerSerial              = "Wechatmp-Serial"
	headerDeprecatedSerial    = "Wechatmp-Serial-Deprecated"
	headerDeprecatedSignature = "Wechatmp-Signature-Deprecated"
)

// protocolFields are added to what is encrypted, and taken off again.
var protocolFields = []string{"_n", "_appid", "_timestamp"}

// sealedBody is an encrypted body; each part is base64.
type sealedBody struct {
	IV      []byte `json:"iv"`
	Data    []byte `json:"data"`
	AuthTag []byte `json:"authtag"`
}

// seal encrypts and signs a call's parameters, those of its query and those of its
// body, which is empty or a JSON object. It gives the body to send and the headers
// that go with it.
func (s *apiSecurity) seal(apiURL string, query url.Values, body []byte, now time.Time) ([]byte, http.Header, error) {
	fields, err := mergeParameters(query, body)
	if err != nil {
		return nil, nil, err
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	nonce := make([]byte, 24)
	_, _ = rand.Read(nonce) // never fails
	fields["_n"], fields["_appid"], fields["_timestamp"] = base64.RawStdEncoding.EncodeToString(nonce), s.appid, now.Unix()
	plain, err := unescapedJSON(fields)
	if err != nil {
		return nil, nil, ErrNotEncryptable
	}
	sealed, err := s.encrypt(apiURL, timestamp, plain.Bytes())
	if err != nil {
		return nil, nil, err
	}
	signature, err := s.signer(s.signed(apiURL, timestamp, sealed))
	if err != nil {
		return nil, nil, errors.New("wechat: api_security: the call can't be signed")
	}
	return sealed, http.Header{
		headerAppID: {s.appid}, headerTimestamp: {timestamp}, headerSignature: {base64.StdEncoding.EncodeToString(signature)},
	}, nil
}

// mergeParameters puts the parameters of query and body into one object. A number in
// the body keeps its digits.
func mergeParameters(query url.Values, body []byte) (map[string]any, error) {
	fields := map[string]any{}
	if len(bytes.TrimSpace(body)) > 0 {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if d.Decode(&fields) != nil || fields == nil || d.More() {
			return nil, ErrNotEncryptable
		}
	}
	for name, values := range query {
		if _, both := fields[name]; both || len(values) != 1 {
			return nil, ErrNotEncryptable
		}
		fields[name] = values[0]
	}
	for _, name := range protocolFields {
		if _, taken := fields[name]; taken {
			return nil, ErrNotEncryptable
		}
	}
	return fields, nil
}

func (s *apiSecurity) encrypt(apiURL, timestamp string, plain []byte) ([]byte, error) {
	iv := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(iv)
	out := s.aead.Seal(nil, iv, plain, s.authenticated(apiURL, timestamp))
	tag := len(out) - s.aead.Overhead()
	return json.Marshal(sealedBody{IV: iv, Data: out[:tag], AuthTag: out[tag:]})
}

// authenticated is the additional data of the encryption.
func (s *apiSecurity) authenticated(apiURL, timestamp string) []byte {
	return []byte(strings.Join([]string{apiURL, s.appid, timestamp, s.keySN}, "|"))
}

// signed is the text that a signature covers.
func (s *apiSecurity) signed(apiURL, timestamp string, body []byte) []byte {
	return []byte(strings.Join([]string{apiURL, s.appid, timestamp, string(body)}, "\n"))
}

// errNotSigned is the reason to refuse an answer; one for all.
var errNotSigned = errors.New("the answer has no valid signature, or doesn't decrypt")

// open verifies and decrypts an answer, and gives the JSON that a plain call would
// have had.
func (s *apiSecurity) open(apiURL string, header http.Header, body []byte, now time.Time) ([]byte, error) {
	timestamp := header.Get(headerTimestamp)
	if header.Get(headerAppID) != s.appid || !nearTimestamp(timestamp, now) || !s.verified(header, s.signed(apiURL, timestamp, body)) {
		return nil, errNotSigned
	}
	plain, ok := s.decrypt(apiURL, timestamp, body)
	if !ok {
		return nil, errNotSigned
	}
	return withoutProtocolFields(plain, s.appid, timestamp)
}

func nearTimestamp(text string, now time.Time) bool {
	seconds, ok := parseTimestamp(text)
	age := now.Sub(time.Unix(seconds, 0))
	return ok && age <= apiSkew && age >= -apiSkew
}

// verified takes the signature of a certificate that is configured. While WeChat
// replaces its certificate it signs by both.
func (s *apiSecurity) verified(header http.Header, message []byte) bool {
	for serial, signature := range map[string]string{headerSerial: headerSignature, headerDeprecatedSerial: headerDeprecatedSignature} {
		verify := s.verifiers[header.Get(serial)]
		raw, err := base64.StdEncoding.DecodeString(header.Get(signature))
		if verify != nil && err == nil && verify(message, raw) {
			return true
		}
	}
	return false
}

func (s *apiSecurity) decrypt(apiURL, timestamp string, body []byte) ([]byte, bool) {
	var sealed sealedBody
	if json.Unmarshal(body, &sealed) != nil || len(sealed.IV) != s.aead.NonceSize() || len(sealed.AuthTag) != s.aead.Overhead() {
		return nil, false
	}
	plain, err := s.aead.Open(nil, sealed.IV, append(sealed.Data, sealed.AuthTag...), s.authenticated(apiURL, timestamp))
	return plain, err == nil
}

// withoutProtocolFields checks the fields that WeChat adds and takes them off.
func withoutProtocolFields(plain []byte, appid, timestamp string) ([]byte, error) {
	var fields map[string]json.RawMessage
	var said struct {
		AppID     string `json:"_appid"`
		Timestamp number `json:"_timestamp"`
	}
	if json.Unmarshal(plain, &fields) != nil || json.Unmarshal(plain, &said) != nil || fields == nil {
		return nil, errNotSigned
	}
	if said.AppID != appid || strconv.FormatInt(int64(said.Timestamp), 10) != timestamp {
		return nil, errNotSigned
	}
	for _, name := range protocolFields {
		delete(fields, name)
	}
	out, err := unescapedJSON(fields)
	if err != nil {
		return nil, errNotSigned
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}
