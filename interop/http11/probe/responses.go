package probe

import "strings"

// responseCases are valid requests: what the response must and must not have.
func responseCases() []Case {
	return []Case{
		{ID: "COMP-BASELINE", Steps: []string{get("")}, Pass: "2xx"},
		{ID: "COMP-EXPECT-UNKNOWN", Steps: []string{get("Expect: 200-ok")}, Pass: "417 close", Warn: "2xx"},
		{ID: "COMP-CONNECTION-CLOSE", Steps: []string{get("Connection: close")}, Pass: "2xx+close"},
		{ID: "COMP-RANGE-POST", Steps: []string{post("Content-Length: 5\r\nRange: bytes=0-10", "hello")}, Pass: "2xx-206"},
		{ID: "COMP-HEAD-NO-BODY", Steps: []string{request("HEAD", "", "")}, Pass: "2xx+nobody"},
		{ID: "COMP-405-ALLOW", Steps: []string{request("DELETE", "", "")}, Pass: "405+allow", Warn: "!405"},
		{ID: "COMP-DATE-HEADER", Steps: []string{get("")}, Pass: "date"},
		{ID: "COMP-DATE-FORMAT", Steps: []string{get("")}, Pass: "date", Unscored: true},
		{ID: "COMP-NO-1XX-HTTP10", Steps: []string{"POST / HTTP/1.0\r\nHost: HOST\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"}, Pass: "!1xx close timeout"},
		{ID: "COMP-NO-CL-IN-204", Steps: []string{request("OPTIONS", "", "")}, Pass: "204-cl", Warn: "!204"},
		{ID: "COMP-OPTIONS-ALLOW", Steps: []string{request("OPTIONS", "", "")}, Pass: "2xx+allow", Warn: "2xx"},
		{ID: "COMP-CONTENT-TYPE", Steps: []string{get("")}, Pass: "2xx+type", Warn: "2xx"},
		{ID: "COMP-RANGE-INVALID", Steps: []string{get("Range: bytes=abc-xyz")}, Pass: "2xx-206", Warn: "416 close", Unscored: true},
		{ID: "COMP-ACCEPT-NONSENSE", Steps: []string{get("Accept: application/x-nonsense")}, Pass: "406", Warn: "2xx close", Unscored: true},
		{ID: "COMP-POST-UNSUPPORTED-CT", Steps: []string{post("Content-Length: 5\r\nContent-Type: application/x-nonsense", "hello")}, Pass: "415 2xx", Warn: "!101", Unscored: true},
		{ID: "MAL-RANGE-OVERLAPPING", Steps: []string{get("Range: bytes=" + strings.Repeat("0-,", 999) + "0-")}, Pass: "close", Warn: "200 206 400 416 431", Unscored: true},
	}
}
