package wechat

import (
	"strconv"
	"time"
)

// validTimestamp reports whether text is a timestamp that differs from now by at most
// skew.
func validTimestamp(text string, now time.Time, skew time.Duration) bool {
	seconds, ok := parseTimestamp(text)
	return ok && isRecent(seconds, now, skew, skew)
}

// isRecent reports whether a time in Unix seconds is at most maxAge before now and at most
// skew after it.
func isRecent(seconds int64, now time.Time, maxAge, skew time.Duration) bool {
	age := now.Sub(time.Unix(seconds, 0))
	return age <= maxAge && age >= -skew
}

// parseTimestamp parses Unix seconds of exactly ten digits.
func parseTimestamp(text string) (int64, bool) {
	if len(text) != 10 || !isDigits(text) {
		return 0, false
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return seconds, err == nil
}
