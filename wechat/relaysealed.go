package wechat

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// maxSealedResponse limits an encrypted response, which is read whole before it is verified,
// in bytes.
const maxSealedResponse = 4 << 20

// sendSealed is sendRelayed for a call that is signed and encrypted. The request and the
// returned response are unencrypted JSON.
func (c *Client) sendSealed(req *http.Request, body replayableBody, call apiCall) (*http.Response, error) {
	out, err := c.sealedRequest(req, body, call)
	if err != nil {
		return nil, err
	}
	res, err := c.current.Load().pooled.RoundTrip(out)
	if err != nil {
		return nil, relayError(req.Context(), call, body, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, unavailable(call.api, fmt.Sprintf("status %d", res.StatusCode), retryAfterDefault)
	}
	sealed, err := io.ReadAll(io.LimitReader(res.Body, maxSealedResponse+1))
	if err != nil || len(sealed) > maxSealedResponse {
		return nil, unavailable(call.api, "the response is incomplete or too long", retryAfterDefault)
	}
	plain, err := c.openResponse(call, res.Header, sealed)
	if err != nil {
		return nil, err
	}
	res = plainResponse(res, plain)
	return res, responseError(call, res)
}

// sealedRequest returns the signed and encrypted request: a POST with only the access token in
// its query.
func (c *Client) sealedRequest(in *http.Request, body replayableBody, call apiCall) (*http.Request, error) {
	if body.rest != nil {
		return nil, ErrNotEncryptable // more than maxReplay bytes
	}
	query, err := queryWithoutTokens(in.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	sealed, header, err := call.security.seal(apiURL(c.current.Load().base, call.api), query, body.start, c.now())
	if err != nil {
		return nil, err
	}
	out := c.relayedRequest(in, replayableBody{start: sealed, length: int64(len(sealed))}, call)
	out.Method = http.MethodPost
	out.URL.RawQuery = call.query.Encode()
	for name, values := range header {
		out.Header.Del(name)
		out.Header[name] = values
	}
	out.Header.Set("Content-Type", "application/json")
	return out, nil
}

// plainResponse returns the response with its decrypted body and without the headers of the
// signature.
func plainResponse(res *http.Response, plain []byte) *http.Response {
	header := res.Header.Clone()
	for _, name := range []string{headerAppID, headerTimestamp, headerSerial, headerSignature, headerDeprecatedSerial, headerDeprecatedSignature} {
		header.Del(name)
	}
	header.Set("Content-Type", "application/json; charset=UTF-8")
	header.Set("Content-Length", strconv.Itoa(len(plain)))
	out := *res
	out.Header, out.ContentLength, out.TransferEncoding = header, int64(len(plain)), nil
	out.Body = io.NopCloser(bytes.NewReader(plain))
	return &out
}
