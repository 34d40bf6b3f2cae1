package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Load reads and checks a config file. lookup gives the environment (os.LookupEnv).
// The error is a Error with everything that is wrong.
func Load(file string, lookup func(name string) (string, bool)) (*Config, error) {
	if file == "" {
		return nil, Error{{File: "--config", What: "names no file"}}
	}
	data, err := readRegular(file, maxFileSize)
	if err != nil {
		return nil, Error{{File: file, What: unnamed(err)}}
	}
	return Parse(file, data, lookup)
}

// unnamed gives a file error without the file's name, which the Problem has.
func unnamed(err error) string {
	if cause := errors.Unwrap(err); cause != nil {
		return cause.Error()
	}
	return err.Error()
}

// Parse is Load for a file that has been read.
func Parse(file string, data []byte, lookup func(name string) (string, bool)) (*Config, error) {
	root, err := parseDocument(data)
	if err != nil {
		var p Problem
		errors.As(err, &p)
		p.File = file
		return nil, Error{p}
	}
	d := &decoder{
		problemList: problemList{file: file, text: strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")},
		expander:    expander{lookup: lookup, dir: filepath.Dir(file)},
		lines:       map[string]int{},
	}
	c := Default()
	d.structure(root, reflect.ValueOf(c).Elem(), "")
	c.adjustDefaults(d.written)
	v := validator{Config: c, problemList: &d.problemList, lines: d.lines}
	v.check()
	if err := d.err(); err != nil {
		return nil, err
	}
	d.warnOfReaders(file)
	byLine(d.warnings)
	c.Warnings = d.warnings
	c.Files = slices.Concat([]string{file}, d.files)
	return c, nil
}

// warnOfReaders warns of a file with secrets in it that others can read.
func (d *decoder) warnOfReaders(file string) {
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o004 == 0 || len(d.literals) == 0 {
		return
	}
	slices.Sort(d.literals)
	d.warnings = append(d.warnings, Problem{File: file, What: fmt.Sprintf(
		"holds secrets (%s) and can be read by every user of this machine: chmod o-r, or ${file:…}", strings.Join(d.literals, ", "))})
}

// written reports whether the file has a key.
func (d *decoder) written(key string) bool { return d.lines[key] > 0 }
