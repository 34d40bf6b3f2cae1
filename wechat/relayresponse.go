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
// readable. Only the body shows an error: the status is 200, and the type may be
// that of an image.
func responseError(call apiCall, res *http.Response) error {
	if res.StatusCode >= http.StatusInternalServerError {
		return unavailable(call.api, fmt.Sprintf("status %d", res.StatusCode), retryAfterDefault)
	}
	if res.StatusCode != http.StatusOK || res.ContentLength > maxErrorResponse {
		return nil
	}
	var v errcodeFields
	if json.Unmarshal(peekJSON(res), &v) != nil || v.Errcode == 0 {
		return nil
	}
	return errcodeError(call.api, int(v.Errcode), printable(v.Errmsg, call.secrets...))
}

// peekJSON returns the first maxErrorResponse bytes of the body, which stays readable; nil
// if it doesn't begin with {. It reads only the first byte of other bodies, which may
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
	start, _ := r.Peek(maxErrorResponse) // fewer bytes if the body is shorter
	return start
}

// relayError returns the error of a request without a response: that of reading the
// request's body, if that failed, else transportError.
func relayError(ctx context.Context, call apiCall, body replayableBody, err error) error {
	if body.rest != nil {
		if bodyErr := body.rest.failure(); bodyErr != nil {
			return &bodyError{bodyErr}
		}
	}
	return transportError(ctx, call, err)
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
