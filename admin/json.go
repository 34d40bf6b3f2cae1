package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"wxgate/apierror"
)

// writeJSON writes v as the response, without a trailing newline: some SDKs for WeChat
// can't parse one.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// readJSON decodes the body, one JSON object, into v.
func readJSON(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return decodeObject(raw, v)
}

// readOptionalJSON is readJSON for calls whose body is optional.
func readOptionalJSON(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil || len(raw) == 0 {
		return err
	}
	return decodeObject(raw, v)
}

func decodeObject(raw []byte, v any) error {
	isObject := bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) // null would decode as an empty object
	if err := json.Unmarshal(raw, v); err != nil || !isObject {
		return apierror.New(apierror.BadRequest, "the body must be one JSON object with fields of the right type").WithCause(err)
	}
	return nil
}
