package testkit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Response is an HTTP response with its whole body.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request and reads the whole response.
func Do(client *http.Client, r *http.Request) (Response, error) {
	res, err := client.Do(r)
	if err != nil {
		return Response{}, err
	}
	return ReadResponse(res)
}

// ReadResponse reads the whole body of a response and closes it.
func ReadResponse(res *http.Response) (Response, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return Response{res.StatusCode, res.Header, body}, err
}

// NewRequest makes a request with an Authorization: Bearer header, unless token is
// empty, and with headers, which alternate name and value.
func NewRequest(method, url, token, body string, headers ...string) (*http.Request, error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r, nil
}

// Call makes a request as NewRequest does, sends it and reads the whole response.
func Call(client *http.Client, method, url, token, body string, headers ...string) (Response, error) {
	r, err := NewRequest(method, url, token, body, headers...)
	if err != nil {
		return Response{}, err
	}
	return Do(client, r)
}

// Code returns the gateway's error code, or "" when the gateway itself made no error.
func (r Response) Code() string { return r.Header.Get("X-Gateway-Error") }

func (r Response) String() string { return fmt.Sprintf("%d %.300s", r.Status, r.Body) }

// JSON decodes the body into v, and ends the test when the body isn't JSON.
func (r Response) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		t.Fatalf("%v: %v", r, err)
	}
}

// Field returns a field of the body's JSON object as text, or "" when it is missing.
func (r Response) Field(name string) string {
	var fields map[string]any
	_ = json.Unmarshal(r.Body, &fields)
	if fields[name] == nil {
		return ""
	}
	return fmt.Sprint(fields[name])
}
