package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// result is the response to a request.
type result struct {
	status int
	code   string // the gateway's error code, when the gateway refused
	area   string // admin or public, when the backend responded with 200
	saw    string // the identity that the backend saw
	path   string // the path that the backend saw, percent-encoded
}

// spoofed reports whether the backend saw the attacker's identity.
func (t trial) spoofed(v result) bool { return strings.Contains(v.saw, spoofedOpenID) }

// impersonated reports whether the backend saw another identity than the sender's: alice's,
// or none.
func (t trial) impersonated(a attack, v result) bool {
	if v.area == "" {
		return false
	}
	want := ""
	if a.token {
		want = t.openid
	}
	return v.saw != want
}

func reachedAdmin(v result) bool { return v.area == "admin" }

func (t trial) reachedForbidden(a attack, v result) bool {
	return reachedAdmin(v) || t.impersonated(a, v)
}

// cell describes a result for the table.
func (t trial) cell(v result) string {
	switch {
	case v.code != "":
		return fmt.Sprintf("%d %s", v.status, v.code)
	case v.status == 0:
		return "closed"
	case v.area == "":
		return fmt.Sprint(v.status)
	case v.saw == "":
		return v.area + ", nobody"
	}
	return v.area + ", " + strings.ReplaceAll(v.saw, t.openid, "alice")
}

func readResult(res *http.Response) result {
	v := result{status: res.StatusCode, code: res.Header.Get("X-Gateway-Error"), path: res.Header.Get("X-Path")}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64))
	if v.code == "" && v.status == http.StatusOK && err == nil {
		v.area, v.saw = string(body), res.Header.Get("X-Saw")
	}
	return v
}
