package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Load reads and validates a config file. lookup returns a variable of the
// environment, as os.LookupEnv does. The error is an Error, which lists every
// problem.
func Load(file string, lookup func(name string) (string, bool)) (*Config, error) {
	if file == "" {
		return nil, Error{{File: "--config", What: "names no file"}}
	}
	data, err := readRegularFile(file, maxFileSize)
	if err != nil {
		return nil, Error{{File: file, What: withoutFileName(err)}}
	}
	return Parse(file, data, lookup)
}

// withoutFileName returns the cause of an error of readRegularFile: the Problem
// names the file already.
func withoutFileName(err error) string {
	if cause := errors.Unwrap(err); cause != nil {
		return cause.Error()
	}
	return err.Error()
}

// Parse is Load for a file's content. file is its name: for messages, and for the
// paths that are relative to its directory.
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
	d.decodeStruct(root, reflect.ValueOf(c).Elem(), "")
	c.adjustDefaults(d.written)
	v := validator{Config: c, problemList: &d.problemList, lines: d.lines}
	v.check()
	if err := d.err(); err != nil {
		return nil, err
	}
	d.warnLiteralSecrets(file)
	sortByLine(d.warnings)
	c.Warnings = d.warnings
	c.Files = slices.Concat([]string{file}, d.files)
	return c, nil
}

// written reports whether the file has a key.
func (d *decoder) written(key string) bool { return d.lines[key] > 0 }
