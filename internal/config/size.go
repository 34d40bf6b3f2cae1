package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as 512B, 32KiB, 10MiB or 1GiB, and 0 without
// a unit. KB and MB are refused: they are ambiguous, a factor of 1000 or 1024.
type Size int64

const (
	kib Size = 1 << 10
	mib Size = 1 << 20
	gib Size = 1 << 30
)

func (s *Size) UnmarshalText(text []byte) error {
	written := string(text)
	if written == "0" {
		*s = 0
		return nil
	}
	digits := strings.TrimRight(written, "BKMGiTkmgbt")
	number, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return fmt.Errorf("%s is not a size such as 512KiB, 10MiB or 1GiB", Quote(written))
	}
	unit, err := sizeUnit(written[len(digits):], digits)
	if err != nil {
		return err
	}
	if Size(number) > math.MaxInt64/unit {
		return fmt.Errorf("%s is too large", Quote(written))
	}
	*s = Size(number) * unit
	return nil
}

func sizeUnit(unit, digits string) (Size, error) {
	switch unit {
	case "B":
		return 1, nil
	case "KiB":
		return kib, nil
	case "MiB":
		return mib, nil
	case "GiB":
		return gib, nil
	case "":
		return 0, fmt.Errorf("%s has no unit: write %sB, %sKiB, %sMiB or %sGiB", digits, digits, digits, digits, digits)
	}
	for _, known := range []string{"KiB", "MiB", "GiB"} {
		if strings.EqualFold(unit[:1], known[:1]) {
			return 0, fmt.Errorf("%s has an unknown unit: write %s%s", Quote(digits+unit), digits, known)
		}
	}
	return 0, fmt.Errorf("%s has an unknown unit: the units are B, KiB, MiB and GiB", Quote(digits+unit))
}

func (s Size) String() string {
	switch {
	case s == 0:
		return "0"
	case s%gib == 0:
		return fmt.Sprintf("%dGiB", s/gib)
	case s%mib == 0:
		return fmt.Sprintf("%dMiB", s/mib)
	case s%kib == 0:
		return fmt.Sprintf("%dKiB", s/kib)
	}
	return fmt.Sprintf("%dB", int64(s))
}

func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
