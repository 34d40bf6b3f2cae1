package config

import (
	"fmt"
	"strconv"
)

// Fraction is a number from 0 to 1.
type Fraction float64

func (f *Fraction) UnmarshalText(text []byte) error {
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(number >= 0 && number <= 1) {
		return fmt.Errorf("%s is not a number between 0 and 1, such as 0.01", Quote(string(text)))
	}
	*f = Fraction(number)
	return nil
}

func (f Fraction) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(f), 'g', -1, 64), nil
}
