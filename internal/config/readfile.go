package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readRegularFile reads a regular file of at most limit bytes. Any other kind is
// an error: reading a pipe could block the start.
func readRegularFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileError(path, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("the file %s is larger than %d bytes", path, limit)
	}
	return content, nil
}

// fileError turns an error of package os, such as "open x: no such file or
// directory", into "the file x: no such file or directory".
func fileError(path string, err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Errorf("the file %s: %w", path, err)
}
