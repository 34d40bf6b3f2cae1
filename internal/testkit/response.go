package testkit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Response is an HTTP response read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request and reads the response to its end.
func Do(client *http.Client, r *http.Request) (Response, error) {
	res, err := client.Do(r)
	if err != nil {
		return Response{}, err
	}
	return ReadResponse(res)
}

// ReadResponse reads a response to its end, and closes it.
func ReadResponse(res *http.Response) (Response, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return Response{res.StatusCode, res.Header, body}, err
}

// NewRequest makes a request with a bearer token, unless that is empty, and further
// headers in pairs of name and value.
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

// Call sends such a request and reads the response to its end.
func Call(client *http.Client, method, url, token, body string, headers ...string) (Response, error) {
	r, err := NewRequest(method, url, token, body, headers...)
	if err != nil {
		return Response{}, err
	}
	return Do(client, r)
}

// Code is the gateway's error code, empty where the response is not an error of the
// gateway's.
func (r Response) Code() string { return r.Header.Get("X-Gateway-Error") }

func (r Response) String() string { return fmt.Sprintf("%d %.300s", r.Status, r.Body) }

// JSON decodes the body into v.
func (r Response) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		t.Fatalf("%v: %v", r, err)
	}
}

// Field is a field of the body's JSON object as text, empty where there is none.
func (r Response) Field(name string) string {
	var fields map[string]any
	_ = json.Unmarshal(r.Body, &fields)
	if fields[name] == nil {
		return ""
	}
	return fmt.Sprint(fields[name])
}
