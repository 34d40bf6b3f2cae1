// Package testkit is shared by the tests of all packages and by the interop
// programs: polling for a condition, a buffer and a clock that are safe for
// concurrent use, certificates, ports, and reading HTTP responses. Its subpackages
// start processes: process runs any program, redistest runs redis-server.
//
// A function with a testing.TB parameter ends the test when it fails. A function
// that returns an error can also be used by programs.
package testkit

import "testing"

// Must ends the test when err isn't nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Value returns v and panics when err isn't nil. It is for table literals and fuzz
// functions, where no testing.TB is available.
func Value[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
