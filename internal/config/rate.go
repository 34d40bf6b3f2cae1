package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxRateCount bounds the number in a rate.
const maxRateCount = 1_000_000

// Rate is a number of events per second, minute or hour, and the same number as
// burst, written as 5/s, 30/m or 100/h. The zero Rate, written "", is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

func (r *Rate) UnmarshalText(text []byte) error {
	written := string(text)
	if written == "" {
		*r = Rate{}
		return nil
	}
	digits, unit, _ := strings.Cut(written, "/")
	count, err := strconv.Atoi(digits)
	per := ratePeriod(unit)
	if err != nil || per == 0 {
		return fmt.Errorf(`%s is not a rate such as 5/s, 30/m or 100/h ("" for no limit)%s`, Quote(written), rateHint(written))
	}
	if count < 1 || count > maxRateCount {
		return fmt.Errorf(`%s is not between 1 and %d ("" for no limit)`, Quote(written), maxRateCount)
	}
	*r = Rate{count, per}
	return nil
}

// rateHint returns how to write what written probably means.
func rateHint(written string) string {
	digits, unit, _ := strings.Cut(strings.ReplaceAll(written, " ", ""), "/")
	count, err := strconv.Atoi(digits)
	if err != nil || count < 1 {
		return ""
	}
	if unit == "" {
		return fmt.Sprintf(": write %d/s, %d/m or %d/h", count, count, count)
	}
	for _, letter := range []string{"s", "m", "h"} {
		if strings.HasPrefix(strings.ToLower(unit), letter) {
			return fmt.Sprintf(": write %d/%s", count, letter)
		}
	}
	return ""
}

func ratePeriod(unit string) time.Duration {
	switch unit {
	case "s":
		return time.Second
	case "m":
		return time.Minute
	case "h":
		return time.Hour
	}
	return 0
}

func (r Rate) String() string {
	switch r.Per {
	case time.Second:
		return fmt.Sprintf("%d/s", r.Count)
	case time.Minute:
		return fmt.Sprintf("%d/m", r.Count)
	case time.Hour:
		return fmt.Sprintf("%d/h", r.Count)
	}
	return ""
}

func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
