// Package testkit is what the tests of all packages and the interop programs
// share: waiting for a condition, a buffer and a clock for several goroutines,
// certificates and ports. Its subpackages start processes: process any program,
// redistest redis-servers, gateway wxgate itself.
//
// What takes a testing.TB ends the test when it fails; what returns an error
// serves programs too.
package testkit

import "testing"

// Must ends the test when err isn't nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Value is the value of a call that can't fail, for tables and fuzz functions, which
// have no testing.TB at hand. It panics when err isn't nil.
func Value[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
