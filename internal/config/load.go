package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
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
		findings: findings{file: file},
		expander: expander{lookup: lookup, dir: filepath.Dir(file)},
		lines:    map[string]int{},
	}
	c := Default()
	d.structure(root, reflect.ValueOf(c).Elem(), "")
	c.adjustDefaults(d.written)
	v := validator{Config: c, findings: &d.findings, lines: d.lines}
	v.check()
	if err := d.err(); err != nil {
		return nil, err
	}
	byLine(d.warnings)
	c.Warnings = d.warnings
	c.Files = slices.Concat([]string{file}, d.files)
	return c, nil
}

// written says whether the file has a key.
func (d *decoder) written(key string) bool { return d.lines[key] > 0 }
