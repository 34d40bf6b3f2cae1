package probe

// garbageCases are bytes that are no request, or only the start of one.
func garbageCases() []Case {
	return []Case{
		{ID: "MAL-BINARY-GARBAGE", Steps: []string{binary()}, Pass: "400 close timeout"},
		{ID: "MAL-INCOMPLETE-REQUEST", Steps: []string{"GET / HTTP/1.1\r\nHost: HOST\r\nX-Test: value"}, Pass: "400 close timeout"},
		{ID: "MAL-EMPTY-REQUEST", Steps: []string{""}, Pass: "400 close timeout"},
		{ID: "MAL-WHITESPACE-ONLY-LINE", Steps: []string{"   \r\n\r\n"}, Pass: "400 close timeout"},
	}
}
