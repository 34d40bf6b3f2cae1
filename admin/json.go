package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"wxgate/apierror"
)

func writeJSON(w http.ResponseWriter, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
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
		return apierror.New(apierror.BadRequest, "the body must be one JSON object with fields of the right type").Because(err)
	}
	return nil
}
