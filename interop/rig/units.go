package rig

import (
	"fmt"
	"strings"
)

// MiB formats a number of bytes as MiB with at most one decimal.
func MiB(bytes int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(bytes)/(1<<20)), ".0")
}
