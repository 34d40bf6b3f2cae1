package proxy

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var cookieNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestSetCookieIsParsedAsByUserAgents(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]setCookie{
		"a=b":                                  {name: "a", value: "b"},
		"cart[7]=x":                            {name: "cart[7]", value: "x"},
		"wp-settings-{1}@x=1":                  {name: "wp-settings-{1}@x", value: "1"},
		`quoted="a b"`:                         {name: "quoted", value: `"a b"`},
		`json={"a":1,"b":[2]}`:                 {name: "json", value: `{"a":1,"b":[2]}`},
		`back=a\"b`:                            {name: "back", value: `a\"b`},
		"名=值":                                  {name: "名", value: "值"},
		"latin=\xe9":                           {name: "latin", value: "\xe9"},
		" \t spaced \t= a b \t; Path=/":        {name: "spaced", value: "a b", path: "/"},
		"empty=":                               {name: "empty"},
		"eq=a=b==":                             {name: "eq", value: "a=b=="},
		"p=1; Path=/x; pATH = /y ":             {name: "p", value: "1", path: "/y"},
		"p=1; Path=/x; Path=rel":               {name: "p", value: "1"},
		"d=1; Domain=.Shop.Example.COM":        {name: "d", value: "1", domain: "shop.example.com"},
		"d=1; Domain=a.test; Domain=":          {name: "d", value: "1", domain: "a.test"},
		"m=1; Max-Age=60":                      {name: "m", value: "1", expires: cookieNow.Add(time.Minute)},
		"m=1; Max-Age=0":                       {name: "m", value: "1", expires: cookieNow},
		"m=1; Max-Age=-5":                      {name: "m", value: "1", expires: cookieNow},
		"m=1; Max-Age=99999999999999999999999": {name: "m", value: "1", expires: cookieNow.Add(maxCookieAge)},
		"m=1; Max-Age=9223372036854775807":     {name: "m", value: "1", expires: cookieNow.Add(maxCookieAge)},
		"m=1; Max-Age=9223372037":              {name: "m", value: "1", expires: cookieNow.Add(maxCookieAge)},
		"m=1; Max-Age=+5":                      {name: "m", value: "1"},
		"m=1; Max-Age=5s":                      {name: "m", value: "1"},
		"m=1; Max-Age=":                        {name: "m", value: "1"},
		"m=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT": {name: "m", value: "1", expires: cookieNow.Add(time.Minute)},
		"m=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60": {name: "m", value: "1", expires: cookieNow.Add(time.Minute)},
		"e=1; Expires=Wed, 21-Oct-26 07:28:00 GMT":               {name: "e", value: "1", expires: time.Date(2026, 10, 21, 7, 28, 0, 0, time.UTC)},
		"e=1; Expires=nonsense":                                  {name: "e", value: "1"},
		"f=1; HttpOnly; Secure; SameSite=Lax; Priority=High; ;;": {name: "f", value: "1"},
	} {
		if got, ok := parseSetCookie(line, cookieNow); !ok || got != want {
			t.Errorf("%q is %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "noequals", "=nameless", " =x", ";a=b", "a=b\x00", "a\x7f=b", "a=b; Path=/\x01"} {
		if got, ok := parseSetCookie(line, cookieNow); ok {
			t.Errorf("%q was parsed as %+v", line, got)
		}
	}
}

func TestCookieDates(t *testing.T) {
	t.Parallel()
	at := func(year int, month time.Month, day, hour, minute, second int) time.Time {
		return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	}
	for text, want := range map[string]time.Time{
		"Wed, 21 Oct 2026 07:28:00 GMT":      at(2026, 10, 21, 7, 28, 0),
		"Wednesday, 21-Oct-26 07:28:00 GMT":  at(2026, 10, 21, 7, 28, 0),
		"Wed Oct 21 07:28:00 2026":           at(2026, 10, 21, 7, 28, 0),
		"21 oct 2026 7:8:9":                  at(2026, 10, 21, 7, 8, 9),
		"2026 October 21 07:28:00":           at(2026, 10, 20, 7, 28, 0).AddDate(0, 0, 1),
		"07:28:00 21th Octopus 2026abc":      at(2026, 10, 21, 7, 28, 0),
		"Thu, 01-Jan-1970 00:00:01 GMT":      at(1970, 1, 1, 0, 0, 1),
		"1 Jan 69 00:00:00":                  at(2069, 1, 1, 0, 0, 0),
		"1 Jan 70 00:00:00":                  at(1970, 1, 1, 0, 0, 0),
		"31 Dec 9999 23:59:59":               at(9999, 12, 31, 23, 59, 59),
		"29 Feb 2028 23:59:59":               at(2028, 2, 29, 23, 59, 59),
		"Sat, 03 Oct 2026 07:28:00 GMT+0800": at(2026, 10, 3, 7, 28, 0), // time zones are ignored
	} {
		if got, ok := parseCookieDate(text); !ok || !got.Equal(want) {
			t.Errorf("%q is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "0", "Wed, 21 Oct 2026", "21 Oct 07:28:00", "Oct 2026 07:28:00", "21 2026 07:28:00", "32 Oct 2026 07:28:00", "0 Oct 2026 07:28:00",
		"21 Oct 1600 07:28:00", "21 Oct 2026 24:28:00", "21 Oct 2026 07:60:00", "21 Oct 2026 07:28:60", "30 Feb 2026 07:28:00", "29 Feb 2026 07:28:00",
		"21 Oct 2026 07:28", "21 Oct 20260 07:28:00", "21 Oct 2026 007:28:00",
	} {
		if got, ok := parseCookieDate(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// FuzzSetCookie compares the parser with a literal implementation of RFC 6265, section
// 5.2, and with net/http's parser for what that accepts.
func FuzzSetCookie(f *testing.F) {
	for _, seed := range []string{
		"a=b", "cart[7]=x; Path=/; Max-Age=5", `q="x y"; HttpOnly`, "a=b;c;;=;Path", "e=1; Expires=Wed, 21-Oct-26 07:28:00 GMT", "=", "; ; =",
		"m=1; Max-Age=-0", "m=1; Max-Age=000000000000000000000001", "d=1; Domain=..x", "名=值; path=/ü", "e=1; Expires=1 2 3:4:5 jan 99",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := parseSetCookie(line, cookieNow)
		want, wanted := cookieByRFC(line)
		if ok != wanted || got != want {
			t.Fatalf("%q is %+v, %v; by section 5.2 it is %+v, %v", line, got, ok, want, wanted)
		}
		if theirs, err := http.ParseSetCookie(line); err == nil && ok && !theirs.Quoted && (theirs.Name != got.name || trimWSP(theirs.Value) != got.value) {
			t.Fatalf("%q is %+v, and %q=%q for net/http", line, got, theirs.Name, theirs.Value)
		}
		if ok && strings.ContainsAny(got.name+got.value, "\r\n\x00;") {
			t.Fatalf("%q would break the Cookie header", line)
		}
	})
}

var (
	controls  = regexp.MustCompile(`[\x00-\x08\x0a-\x1f\x7f]`)
	maxAge    = regexp.MustCompile(`^-?[0-9]+$`)
	delimiter = regexp.MustCompile(`[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+`)
	dateTime  = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})($|[^0-9])`)
	dateDay   = regexp.MustCompile(`^([0-9]{1,2})($|[^0-9])`)
	dateMonth = regexp.MustCompile(`(?i)^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)`)
	dateYear  = regexp.MustCompile(`^([0-9]{2,4})($|[^0-9])`)
)

// cookieByRFC follows RFC 6265, sections 5.2 and 5.1.1, step by step.
func cookieByRFC(line string) (setCookie, bool) {
	if controls.MatchString(line) {
		return setCookie{}, false
	}
	parts := strings.Split(line, ";")
	equals := strings.Index(parts[0], "=")
	if equals < 0 || strings.Trim(parts[0][:equals], " \t") == "" {
		return setCookie{}, false
	}
	c := setCookie{name: strings.Trim(parts[0][:equals], " \t"), value: strings.Trim(parts[0][equals+1:], " \t")}
	var byAge, byDate time.Time
	for _, attribute := range parts[1:] {
		pair := append(strings.SplitN(attribute, "=", 2), "")
		value := strings.Trim(pair[1], " \t")
		switch name := strings.ToLower(strings.Trim(pair[0], " \t")); {
		case name == "path" && strings.HasPrefix(value, "/"):
			c.path = value
		case name == "path":
			c.path = ""
		case name == "domain" && value != "":
			c.domain = strings.ToLower(strings.TrimPrefix(value, "."))
		case name == "max-age" && maxAge.MatchString(value):
			seconds, err := strconv.ParseInt(value, 10, 64)
			switch {
			case strings.HasPrefix(value, "-"), err == nil && seconds <= 0:
				byAge = cookieNow
			case err != nil || seconds > int64(maxCookieAge/time.Second):
				byAge = cookieNow.Add(maxCookieAge)
			default:
				byAge = cookieNow.Add(time.Duration(seconds) * time.Second)
			}
		case name == "expires":
			if at, ok := dateByRFC(value); ok {
				byDate = at
			}
		}
	}
	if c.expires = byAge; byAge.IsZero() {
		c.expires = byDate
	}
	return c, true
}

func dateByRFC(text string) (time.Time, bool) {
	var clock, day, year []string
	month := ""
	for _, token := range delimiter.Split(text, -1) {
		if m := dateTime.FindStringSubmatch(token); clock == nil && m != nil {
			clock = m
		} else if m := dateDay.FindStringSubmatch(token); day == nil && m != nil {
			day = m
		} else if m := dateMonth.FindString(token); month == "" && m != "" {
			month = m
		} else if m := dateYear.FindStringSubmatch(token); year == nil && m != nil {
			year = m
		}
	}
	if clock == nil || day == nil || month == "" || year == nil {
		return time.Time{}, false
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	y := number(year[1])
	if y >= 70 && y <= 99 {
		y += 1900
	} else if y <= 69 {
		y += 2000
	}
	m, _ := time.Parse("Jan", strings.ToUpper(month[:1])+strings.ToLower(month[1:]))
	at := time.Date(y, m.Month(), number(day[1]), number(clock[1]), number(clock[2]), number(clock[3]), 0, time.UTC)
	valid := y >= 1601 && number(day[1]) >= 1 && at.Day() == number(day[1]) && number(clock[1]) <= 23 && number(clock[2]) <= 59 && number(clock[3]) <= 59
	if !valid {
		return time.Time{}, false
	}
	return at, true
}
