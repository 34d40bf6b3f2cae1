package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// worldReadable reports whether every user of this machine can read a file.
func worldReadable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().Perm()&0o004 != 0
}

// warnLiteralSecrets warns if the config file itself contains secrets and is
// world-readable.
func (d *decoder) warnLiteralSecrets(file string) {
	if len(d.literalSecrets) == 0 || !worldReadable(file) {
		return
	}
	slices.Sort(d.literalSecrets)
	d.warnings = append(d.warnings, Problem{File: file, What: fmt.Sprintf(
		"holds secrets (%s) and can be read by every user of this machine: chmod o-r, or ${file:…}", strings.Join(d.literalSecrets, ", "))})
}

// warnSecretFiles warns of files with a secret, read by ${file:…}, that are
// world-readable.
func (d *decoder) warnSecretFiles(line int, key string, files []string) {
	for _, file := range files {
		if worldReadable(file) {
			d.warnAt(line, key, "the file %s can be read by every user of this machine: chmod o-r", file)
		}
	}
}
