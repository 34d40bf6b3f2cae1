package config

import (
	"fmt"
	"reflect"
	"strings"
)

// unknownKeyHint suggests a correction of an unknown key of struct type t: a key
// of t with a similar spelling, or the keys of that name elsewhere in the schema.
// "" if there is no suggestion.
func unknownKeyHint(t reflect.Type, key string) string {
	if similar := DidYouMean(key, keysOf(t)); similar != "" {
		return similar
	}
	var paths []string
	for _, path := range allKeys(reflect.TypeFor[Config](), "") {
		if path == key || strings.HasSuffix(path, "."+key) {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 || len(paths) > 3 {
		return ""
	}
	return " (did you mean " + strings.Join(paths, " or ") + "?)"
}

// DidYouMean returns " (did you mean x?)" for the word most similar to written,
// or "" if none is similar.
func DidYouMean(written string, words []string) string {
	best, distance := "", len(written)/5+1
	for _, word := range words {
		if d := editDistance(strings.ToLower(written), word); d <= distance && (best == "" || d < distance) {
			best, distance = word, d
		}
	}
	if best == "" || len(written) > 64 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}
