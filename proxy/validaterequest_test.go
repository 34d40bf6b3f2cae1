package proxy

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestNumberOfConnectionOptionsIsLimited(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines   []string
		refused bool
	}{
		"none":                       {},
		"as from browsers":           {lines: []string{"keep-alive, Upgrade"}},
		"the maximum":                {lines: []string{strings.Repeat("x,", maxConnectionOptions-1) + "x"}},
		"one more":                   {lines: []string{strings.Repeat("x,", maxConnectionOptions) + "x"}, refused: true},
		"one more, on several lines": {lines: strings.Split(strings.Repeat("x\n", maxConnectionOptions)+"x", "\n"), refused: true},
		"empty names":                {lines: []string{strings.Repeat(",", maxConnectionOptions)}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			r.Header["Connection"] = test.lines
			if err := checkAmbiguousHeaders(r); (err != nil) != test.refused {
				t.Errorf("got %v, refused should be %v", err, test.refused)
			}
		})
	}
}
