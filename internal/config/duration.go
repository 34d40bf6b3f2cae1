package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration written as Go writes it: 300ms, 5s, 1m30s, 168h,
// and 0 without a unit. Never negative.
type Duration time.Duration

// Std gives the duration as package time has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a duration such as 300ms, 5s or 2h", Quote(string(text)))
	}
	if parsed < 0 {
		return errors.New("can't be negative")
	}
	*d = Duration(parsed)
	return nil
}

// String leaves out the zeros at the end: 168h, where Go prints 168h0m0s.
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
