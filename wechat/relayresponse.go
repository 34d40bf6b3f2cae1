package wechat

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// responseError returns the error for the errcode of a short response, whose body stays
// readable. Only the body tells: errors have status 200, some with the type of an image.
func responseError(k call, res *http.Response) error {
	if res.StatusCode >= http.StatusInternalServerError {
		return unavailable(k.api, fmt.Sprintf("status %d", res.StatusCode), retryAfterDefault)
	}
	if res.StatusCode != http.StatusOK || res.ContentLength > maxErrorResponse {
		return nil
	}
	var v errcodeFields
	if json.Unmarshal(peekJSON(res), &v) != nil || v.Errcode == 0 {
		return nil
	}
	return errcodeError(k.api, int(v.Errcode), printable(v.Errmsg, k.secrets...))
}

// peekJSON returns the first maxErrorResponse bytes of the body, which stays readable; nil
// where it doesn't begin with {. It reads only the first byte of other bodies, which may
// be streams.
func peekJSON(res *http.Response) []byte {
	r := bufio.NewReaderSize(res.Body, maxErrorResponse)
	res.Body = struct {
		io.Reader
		io.Closer
	}{r, res.Body}
	if first, err := r.Peek(1); err != nil || first[0] != '{' {
		return nil
	}
	start, _ := r.Peek(maxErrorResponse) // shorter where the body is
	return start
}

// relayError is the error of a request without a response: that of the request's body
// where reading it failed, else transportError.
func relayError(ctx context.Context, k call, body replayableBody, err error) error {
	if body.rest != nil {
		if bodyErr := body.rest.failure(); bodyErr != nil {
			return &bodyError{bodyErr}
		}
	}
	return transportError(ctx, k, err)
}

// relayedBody is the body of a response. Close releases the slot.
type relayedBody struct {
	io.ReadCloser
	release func()
}

func (b *relayedBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
