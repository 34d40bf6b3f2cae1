package httprule

import "testing"

func TestFramingRoutingAndCookiesAreNotAllowedInTrailers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Grpc-Status": true, "Server-Timing": true, "X-Checksum": true,
		"Content-Length": false, "Content-Type": false, "Cookie": false, "Set-Cookie": false, "Location": false, "Cache-Control": false,
	} {
		if AllowedInTrailer(name) != want {
			t.Errorf("AllowedInTrailer(%q) is %v", name, !want)
		}
	}
}
