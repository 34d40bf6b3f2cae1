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

// ErrNotEncryptable: the parameters of a call that must be encrypted are not a JSON
// object, have a name that the protocol uses, or have more than 256 KiB.
var ErrNotEncryptable = errors.New("wechat: only calls with a JSON body can be encrypted")

// apiSkew is the maximum difference between a response's timestamp and the own clock.
const apiSkew = 5 * time.Minute

// Headers of signed calls, in the case of WeChat's documentation.
const (
	headerAppID               = "Wechatmp-Appid"
	headerTimestamp           = "Wechatmp-TimeStamp"
	headerSignature           = "Wechatmp-Signature"
	headerSerial              = "Wechatmp-Serial"
	headerDeprecatedSerial    = "Wechatmp-Serial-Deprecated"
	headerDeprecatedSignature = "Wechatmp-Signature-Deprecated"
)

// protocolFields are the fields that the protocol adds to the encrypted JSON.
var protocolFields = []string{"_n", "_appid", "_timestamp"}

// sealedBody is an encrypted body; each field is base64.
type sealedBody struct {
	IV      []byte `json:"iv"`
	Data    []byte `json:"data"`
	AuthTag []byte `json:"authtag"`
}

// seal encrypts and signs the parameters of a call: those of its query and those of its
// body, which is empty or a JSON object. It returns the body and the headers to send.
func (s *apiSecurity) seal(apiURL string, query url.Values, body []byte, now time.Time) ([]byte, http.Header, error) {
	fields, err := mergeParameters(query, body)
	if err != nil {
		return nil, nil, err
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	nonce := make([]byte, 24)
	_, _ = rand.Read(nonce) // never fails
	fields["_n"], fields["_appid"], fields["_timestamp"] = base64.RawStdEncoding.EncodeToString(nonce), s.appid, now.Unix()
	plain, err := encodeJSON(fields)
	if err != nil {
		return nil, nil, ErrNotEncryptable
	}
	sealed, err := s.encrypt(apiURL, timestamp, plain.Bytes())
	if err != nil {
		return nil, nil, err
	}
	signature, err := s.signer(s.signedMessage(apiURL, timestamp, sealed))
	if err != nil {
		return nil, nil, errors.New("wechat: api_security: the call can't be signed")
	}
	return sealed, http.Header{
		headerAppID: {s.appid}, headerTimestamp: {timestamp}, headerSignature: {base64.StdEncoding.EncodeToString(signature)},
	}, nil
}

// mergeParameters returns the parameters of query and body as one object. Numbers in the
// body keep all their digits.
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
		if _, used := fields[name]; used {
			return nil, ErrNotEncryptable
		}
	}
	return fields, nil
}

func (s *apiSecurity) encrypt(apiURL, timestamp string, plain []byte) ([]byte, error) {
	iv := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(iv)
	out := s.aead.Seal(nil, iv, plain, s.additionalData(apiURL, timestamp))
	tag := len(out) - s.aead.Overhead()
	return json.Marshal(sealedBody{IV: iv, Data: out[:tag], AuthTag: out[tag:]})
}

// additionalData is the additional authenticated data (AAD) of the encryption.
func (s *apiSecurity) additionalData(apiURL, timestamp string) []byte {
	return []byte(strings.Join([]string{apiURL, s.appid, timestamp, s.keySN}, "|"))
}

// signedMessage is the text that a signature covers.
func (s *apiSecurity) signedMessage(apiURL, timestamp string, body []byte) []byte {
	return []byte(strings.Join([]string{apiURL, s.appid, timestamp, string(body)}, "\n"))
}

// errUnverified is the same for every reason to refuse a response.
var errUnverified = errors.New("the response has no valid signature, or doesn't decrypt")

// open verifies and decrypts a response, and returns the JSON of an unencrypted
// response.
func (s *apiSecurity) open(apiURL string, header http.Header, body []byte, now time.Time) ([]byte, error) {
	timestamp := header.Get(headerTimestamp)
	if header.Get(headerAppID) != s.appid || !validTimestamp(timestamp, now, apiSkew) || !s.verifySignature(header, s.signedMessage(apiURL, timestamp, body)) {
		return nil, errUnverified
	}
	plain, ok := s.decrypt(apiURL, timestamp, body)
	if !ok {
		return nil, errUnverified
	}
	return withoutProtocolFields(plain, s.appid, timestamp)
}

// verifySignature accepts the signature of any configured certificate. While WeChat
// replaces its certificate, it signs with both.
func (s *apiSecurity) verifySignature(header http.Header, message []byte) bool {
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
	plain, err := s.aead.Open(nil, sealed.IV, append(sealed.Data, sealed.AuthTag...), s.additionalData(apiURL, timestamp))
	return plain, err == nil
}

// withoutProtocolFields checks and removes the fields that the protocol adds.
func withoutProtocolFields(plain []byte, appid, timestamp string) ([]byte, error) {
	var fields map[string]json.RawMessage
	var protocol struct {
		AppID     string      `json:"_appid"`
		Timestamp intOrString `json:"_timestamp"`
	}
	if json.Unmarshal(plain, &fields) != nil || json.Unmarshal(plain, &protocol) != nil || fields == nil {
		return nil, errUnverified
	}
	if protocol.AppID != appid || strconv.FormatInt(int64(protocol.Timestamp), 10) != timestamp {
		return nil, errUnverified
	}
	for _, name := range protocolFields {
		delete(fields, name)
	}
	out, err := encodeJSON(fields)
	if err != nil {
		return nil, errUnverified
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}
