package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration in Go's notation: 300ms, 5s, 1m30s, 168h, and 0
// without a unit. It is never negative.
type Duration time.Duration

// Std returns the time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a duration such as 300ms, 5s or 2h%s", Quote(string(text)), durationHint(string(text)))
	}
	if parsed < 0 {
		return errors.New("can't be negative")
	}
	*d = Duration(parsed)
	return nil
}

// commonUnits are the units that people write, whether Go's notation has them or
// not.
func commonUnits() map[string]time.Duration {
	const day = 24 * time.Hour
	return map[string]time.Duration{
		"d": day, "day": day, "days": day, "天": day, "w": 7 * day, "week": 7 * day, "weeks": 7 * day, "周": 7 * day, "y": 365 * day, "year": 365 * day, "年": 365 * day,
		"H": time.Hour, "hr": time.Hour, "hour": time.Hour, "hours": time.Hour, "小时": time.Hour,
		"min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute, "分钟": time.Minute, "分": time.Minute,
		"S": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second, "秒": time.Second,
		"MS": time.Millisecond, "msec": time.Millisecond, "毫秒": time.Millisecond, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond,
	}
}

// durationHint returns how to write what text probably means.
func durationHint(text string) string {
	rest := strings.TrimLeft(text, "0123456789")
	number, err := strconv.ParseInt(text[:len(text)-len(rest)], 10, 32)
	unit := strings.TrimSpace(rest)
	if err != nil {
		return ""
	}
	if unit == "" {
		return fmt.Sprintf(": write %ds, %dm or %dh", number, number, number)
	}
	if length, known := commonUnits()[unit]; known && number <= int64(math.MaxInt64/length) {
		return fmt.Sprintf(": write %v", Duration(length)*Duration(number))
	}
	return ""
}

// String omits trailing zeros: 168h, where Go prints 168h0m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
