package proxy

import (
	"strings"
	"time"
)

// parseCookieDate reads a date as user agents do (RFC 6265, section 5.1.1):
// tokens in any order, the first of each kind counts, the weekday and the time
// zone don't. Dates are UTC.
func parseCookieDate(text string) (time.Time, bool) {
	var d cookieDate
	for token := range strings.FieldsFuncSeq(text, isDateDelimiter) {
		d.read(token)
	}
	return d.time()
}

// cookieDate is what has been found of a date.
type cookieDate struct {
	hour, minute, second int
	day, month, year     int

	hasTime, hasDay, hasYear bool
}

func isDateDelimiter(c rune) bool {
	return c == '\t' || ' ' <= c && c <= '/' || ';' <= c && c <= '@' || '[' <= c && c <= '`' || '{' <= c && c <= '~'
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// read takes the token as the first kind that it fits and that is missing.
func (d *cookieDate) read(token string) {
	if !d.hasTime && d.readTime(token) {
		d.hasTime = true
		return
	}
	if day, ok := leadingNumber(token, 1, 2); ok && !d.hasDay {
		d.day, d.hasDay = day, true
		return
	}
	if d.month == 0 && len(token) >= 3 {
		if at := strings.Index(monthNames, strings.ToLower(token[:3])); at >= 0 && at%3 == 0 {
			d.month = at/3 + 1
			return
		}
	}
	if year, ok := leadingNumber(token, 2, 4); ok && !d.hasYear {
		d.year, d.hasYear = year, true
	}
}

// readTime reads hh:mm:ss, with one or two digits each and anything that is no
// digit behind.
func (d *cookieDate) readTime(token string) bool {
	parts := strings.SplitN(token, ":", 3)
	if len(parts) != 3 || !isNumber(parts[0]) || !isNumber(parts[1]) {
		return false
	}
	var ok [3]bool
	var hms [3]int
	for i, part := range parts {
		hms[i], ok[i] = leadingNumber(part, 1, 2)
	}
	if ok != [3]bool{true, true, true} {
		return false
	}
	d.hour, d.minute, d.second = hms[0], hms[1], hms[2]
	return true
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// leadingNumber reads the digits that s begins with, if they are as many as
// wanted and no digit more.
func leadingNumber(s string, least, most int) (number int, ok bool) {
	digits := 0
	for digits < len(s) && '0' <= s[digits] && s[digits] <= '9' {
		if digits == most {
			return 0, false
		}
		number = number*10 + int(s[digits]-'0')
		digits++
	}
	return number, digits >= least
}

func (d *cookieDate) time() (time.Time, bool) {
	year := d.year
	switch {
	case 70 <= year && year <= 99:
		year += 1900
	case 0 <= year && year <= 69:
		year += 2000
	}
	if !d.hasTime || !d.hasDay || d.month == 0 || !d.hasYear || year < 1601 || d.hour > 23 || d.minute > 59 || d.second > 59 {
		return time.Time{}, false
	}
	at := time.Date(year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, time.UTC)
	return at, at.Day() == d.day // no 31st of February
}
