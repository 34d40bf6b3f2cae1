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
