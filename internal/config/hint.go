package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// hint helps with an unknown key of a structure: a key of it that is spelled
// nearly so, or the place where a key of that name belongs.
func hint(t reflect.Type, key string) string {
	if meant := DidYouMean(key, keysOf(t)); meant != "" {
		return meant
	}
	var places []string
	for _, path := range allKeys(reflect.TypeFor[Config](), "") {
		if path == key || strings.HasSuffix(path, "."+key) {
			places = append(places, path)
		}
	}
	if len(places) == 0 || len(places) > 3 {
		return ""
	}
	return " here: is " + strings.Join(places, " or ") + " meant?"
}

// DidYouMean gives " (did you mean x?)" for the word nearest to written, or
// nothing where none is near.
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

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, field := range reflect.VisibleFields(t) {
		if name := keyName(field); name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}

// allKeys lists every key of the schema below t, as routes[].auth.
func allKeys(t reflect.Type, parent string) []string {
	switch {
	case isScalar(t):
		return nil
	case t.Kind() == reflect.Slice:
		return allKeys(t.Elem(), parent+"[]")
	case t.Kind() != reflect.Struct:
		return nil
	}
	var keys []string
	for _, name := range keysOf(t) {
		field, _ := fieldByKey(t, name)
		at := joinKey(parent, name)
		keys = append(append(keys, at), allKeys(field.Type, at)...)
	}
	return keys
}

// editDistance counts the letters to add, drop, change or swap with the next.
// Long words count as far from everything.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			rows[i][j] = cheapestEdit(rows, a, b, i, j)
		}
	}
	return rows[len(a)][len(b)]
}

func cheapestEdit(rows [][]int, a, b string, i, j int) int {
	change := 1
	if a[i-1] == b[j-1] {
		change = 0
	}
	cost := slices.Min([]int{rows[i-1][j] + 1, rows[i][j-1] + 1, rows[i-1][j-1] + change})
	if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
		cost = min(cost, rows[i-2][j-2]+1)
	}
	return cost
}
