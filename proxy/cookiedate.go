package proxy

import (
	"strings"
	"time"
)

// parseCookieDate parses a date as user agents do (RFC 6265, section 5.1.1). The tokens
// may be in any order, and the first of each kind is used. Weekday and time zone are
// ignored: the date is in UTC.
func parseCookieDate(text string) (time.Time, bool) {
	var d cookieDate
	for token := range strings.FieldsFuncSeq(text, isDateDelimiter) {
		d.parseToken(token)
	}
	return d.time()
}

// cookieDate holds the parts of a date that were found.
type cookieDate struct {
	hour, minute, second int
	day, month, year     int

	hasTime, hasDay, hasYear bool
}

func isDateDelimiter(c rune) bool {
	return c == '\t' || ' ' <= c && c <= '/' || ';' <= c && c <= '@' || '[' <= c && c <= '`' || '{' <= c && c <= '~'
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// parseToken uses the token for the first part that it fits and that was not found yet.
func (d *cookieDate) parseToken(token string) {
	if !d.hasTime && d.parseTime(token) {
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

// parseTime parses hh:mm:ss with one or two digits each. Anything but a digit may follow.
func (d *cookieDate) parseTime(token string) bool {
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

// leadingNumber parses the digits at the beginning of s. ok is false if they are fewer
// than minDigits or more than maxDigits.
func leadingNumber(s string, minDigits, maxDigits int) (number int, ok bool) {
	digits := 0
	for digits < len(s) && '0' <= s[digits] && s[digits] <= '9' {
		if digits == maxDigits {
			return 0, false
		}
		number = number*10 + int(s[digits]-'0')
		digits++
	}
	return number, digits >= minDigits
}

// time returns the date. ok is false if a part is missing or out of range.
func (d *cookieDate) time() (at time.Time, ok bool) {
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
	at = time.Date(year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, time.UTC)
	return at, at.Day() == d.day // false for a date such as February 31
}
