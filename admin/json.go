package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"wxgate/apierror"
)

// writeJSON answers with v, without a newline behind it: some SDKs for WeChat can't
// parse one.
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
	return decode(raw, v)
}

// readOptionalJSON is readJSON for calls whose body may be left out.
func readOptionalJSON(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil || len(raw) == 0 {
		return err
	}
	return decode(raw, v)
}

func decode(raw []byte, v any) error {
	object := bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) // null would pass for an empty one
	if err := json.Unmarshal(raw, v); err != nil || !object {
		return apierror.New(apierror.BadRequest, "the body must be one JSON object with fields of the right type").WithCause(err)
	}
	return nil
}
