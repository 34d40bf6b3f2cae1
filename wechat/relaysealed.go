package wechat

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// maxSealedAnswer bounds an encrypted answer, which is read whole before any of it is
// believed, in bytes.
const maxSealedAnswer = 4 << 20

// exchangeSealed is exchange for a call that is signed and encrypted. The caller sends
// and gets plain JSON.
func (c *Client) exchangeSealed(req *http.Request, body replayable, k call) (*http.Response, error) {
	out, err := c.outboundSealed(req, body, k)
	if err != nil {
		return nil, err
	}
	res, err := c.current.Load().pooled.RoundTrip(out)
	if err != nil {
		return nil, relayError(req.Context(), k, body, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, unavailable(k.api, fmt.Sprintf("status %d", res.StatusCode), retryAfterDefault)
	}
	sealed, err := io.ReadAll(io.LimitReader(res.Body, maxSealedAnswer+1))
	if err != nil || len(sealed) > maxSealedAnswer {
		return nil, unavailable(k.api, "the answer broke off or is too long", retryAfterDefault)
	}
	plain, err := c.openAnswer(k, res.Header, sealed)
	if err != nil {
		return nil, err
	}
	res = plainAnswer(res, plain)
	return res, errorIn(k, res)
}

// outboundSealed is the request as WeChat gets it: a POST with nothing but the access
// token in its query.
func (c *Client) outboundSealed(in *http.Request, body replayable, k call) (*http.Request, error) {
	if body.rest != nil {
		return nil, ErrNotEncryptable // it is longer than what is kept of a body
	}
	query, err := callersQuery(in.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	sealed, header, err := k.security.seal(apiURL(c.current.Load().base, k.api), query, body.start, c.now())
	if err != nil {
		return nil, err
	}
	out := c.outbound(in, replayable{start: sealed, length: int64(len(sealed))}, k)
	out.Method = http.MethodPost
	out.URL.RawQuery = k.query.Encode()
	for name, values := range header {
		out.Header.Del(name)
		out.Header[name] = values
	}
	out.Header.Set("Content-Type", "application/json")
	return out, nil
}

// plainAnswer is the answer with its decrypted body, and without the headers of the
// encrypted one.
func plainAnswer(res *http.Response, plain []byte) *http.Response {
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
