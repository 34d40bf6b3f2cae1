package http1

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

func appendStatusLine(out []byte, status int) []byte {
	if status == http.StatusOK {
		return append(out, "HTTP/1.1 200 OK\r\n"...)
	}
	out = append(out, "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(status), 10)
	out = append(out, ' ')
	out = append(out, http.StatusText(status)...)
	return append(out, "\r\n"...)
}

func appendFields(out []byte, name string, values []string) []byte {
	for _, v := range values {
		out = appendField(out, name, v)
	}
	return out
}

// appendField appends a field line. A field whose name is not a token is omitted, and bytes
// that a value can't contain become spaces: no handler can cause response splitting.
func appendField(out []byte, name, value string) []byte {
	if name == "" || !isTokenString(name) {
		return out
	}
	out = append(out, name...)
	out = append(out, ": "...)
	from := len(out)
	out = append(out, value...)
	for i := from; i < len(out); i++ {
		if !isFieldByte(out[i]) {
			out[i] = ' '
		}
	}
	return append(out, "\r\n"...)
}

func isTokenString(s string) bool {
	for i := range len(s) {
		if !isToken(s[i]) {
			return false
		}
	}
	return true
}

func appendLength(out []byte, n int64) []byte {
	out = append(out, "Content-Length: "...)
	out = strconv.AppendInt(out, n, 10)
	return append(out, "\r\n"...)
}

func appendChunkLine(out []byte, n int) []byte {
	out = strconv.AppendInt(out, int64(n), 16)
	return append(out, "\r\n"...)
}

// dateLine is the Date field of a second.
type dateLine struct {
	second int64
	text   string
}

var currentDate atomic.Pointer[dateLine]

func appendDate(out []byte) []byte {
	now := time.Now()
	d := currentDate.Load()
	if d == nil || d.second != now.Unix() {
		d = &dateLine{now.Unix(), "Date: " + now.UTC().Format(http.TimeFormat) + "\r\n"}
		currentDate.Store(d)
	}
	return append(out, d.text...)
}
