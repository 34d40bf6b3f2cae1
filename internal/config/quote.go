package config

import "fmt"

// Quote quotes a value of the file for an error, on one line and shortened to 80
// characters.
func Quote(text string) string {
	const maxRunes = 80
	if runes := []rune(text); len(runes) > maxRunes {
		text = string(runes[:maxRunes]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
