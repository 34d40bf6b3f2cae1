#!/usr/bin/env bash
# Guess:   a number with leading zeros in a YAML file, such as a port, is the same number for every
#          program that reads the file.
# Reality: 0012 is ten for Go's libraries and PyYAML (octal in YAML 1.1) and twelve for npm's yaml and
#          js-yaml (YAML 1.2). 08 is a string for goccy/go-yaml and PyYAML, a float for yaml.v3 and an
#          integer for npm's libraries.
# Needs:   go, node, npm, Debian's python3-yaml.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

go_module github.com/goccy/go-yaml@v1.19.2 \
    gopkg.in/yaml.v3@v3.0.1
cat >main.go <<'EOF'
package main

import (
	"fmt"

	goccy "github.com/goccy/go-yaml"
	v3 "gopkg.in/yaml.v3"
)

func main() {
	for name, unmarshal := range map[string]func([]byte, any) error{
		"goccy/go-yaml": func(b []byte, v any) error { return goccy.Unmarshal(b, v) },
		"yaml.v3":       v3.Unmarshal,
	} {
		var file map[string]any
		if err := unmarshal([]byte("a: 0012\nb: 08\n"), &file); err != nil {
			panic(err)
		}
		fmt.Printf("%s: %v, %v (%T)\n", name, file["a"], file["b"], file["b"])
	}
}
EOF
npm_install yaml@2.8.1 js-yaml@4.1.0
cat >main.mjs <<'EOF'
import yaml from 'yaml'
import jsYaml from 'js-yaml'

for (const [name, parse] of Object.entries({ yaml: yaml.parse, 'js-yaml': jsYaml.load })) {
  const file = parse('a: 0012\nb: 08\n')
  console.log(`${name}: ${file.a}, ${file.b} (${typeof file.b})`)
}
EOF
{
    run_go
    node main.mjs
    /usr/bin/python3 -c '
import yaml
file = yaml.safe_load("a: 0012\nb: 08\n")
print("PyYAML: %s, %s (%s)" % (file["a"], file["b"], type(file["b"]).__name__))'
} | sort | tee seen

diff -u - seen <<'EOF'
PyYAML: 10, 08 (str)
goccy/go-yaml: 10, 08 (string)
js-yaml: 12, 8 (number)
yaml.v3: 10, 8 (float64)
yaml: 12, 8 (number)
EOF
echo "as seen on 2026-11-27 with goccy/go-yaml 1.19.2, yaml.v3 3.0.1, yaml 2.8.1, js-yaml 4.1.0, PyYAML 6.0"
