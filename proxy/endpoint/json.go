package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"wxgate/apierror"
)

// readJSON decodes the request's body, one JSON object, into v. Unknown fields
// are ignored: an SDK may be newer than the gateway.
func readJSON(r *Request, v any) error {
	raw, err := io.ReadAll(r.HTTP.Body)
	if err != nil {
		return err
	}
	return decodeJSON(raw, v)
}

// readOptionalJSON is readJSON for calls whose body may be left out. A body
// that broke off is an error, not one that was left out.
func readOptionalJSON(r *Request, v any) error {
	raw, err := io.ReadAll(r.HTTP.Body)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	return decodeJSON(raw, v)
}

func decodeJSON(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return apierror.New(apierror.BadRequest, describeJSONError(err)).WithCause(err)
	}
	return nil
}

// describeJSONError says what is wrong without repeating what was sent.
func describeJSONError(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return "the field " + wrong.Field + " has the wrong type"
	}
	return "the body must be one JSON object"
}

// writeJSON answers 200 with v; nothing the gateway says of a user may be cached.
func writeJSON(r *Request, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	writeRawJSON(r, body)
	return nil
}

func writeRawJSON(r *Request, body []byte) { write(r, "application/json; charset=utf-8", body) }

// write answers 200.
func write(r *Request, contentType string, body []byte) {
	h := r.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	r.WriteHeader(http.StatusOK)
	_, _ = r.Write(body)
}

// seconds is how answers tell a time span.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
