package config

import (
	"strings"

	"wxgate/internal/httprule"
)

func (v *validator) checkHealthPath(key, path string) {
	bare, query, _ := strings.Cut(path, "?")
	if err := httprule.CheckConfigPath(bare); err != nil {
		v.errorf(key, "%s %v", Quote(path), err)
	} else if !only(query, isVisible, "") || strings.Contains(query, "#") {
		v.errorf(key, "%s has no valid query", Quote(path))
	}
}
