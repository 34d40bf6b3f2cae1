package endpoint

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// writeJSON responds with 200 and v as JSON.
func writeJSON(r *Request, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	writeRawJSON(r, body)
	return nil
}

func writeRawJSON(r *Request, body []byte) { write(r, "application/json; charset=utf-8", body) }

func writeText(r *Request, text string) { write(r, "text/plain; charset=utf-8", []byte(text)) }

// write responds with 200. The response may hold a user's data, so no cache may
// store it.
func write(r *Request, contentType string, body []byte) {
	h := r.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	r.WriteHeader(http.StatusOK)
	_, _ = r.Write(body)
}

// seconds is the form of a duration in responses: whole seconds, rounded down.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
