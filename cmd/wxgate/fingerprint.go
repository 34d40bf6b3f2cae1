package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// fingerprint returns a text that changes when one of the files does: the name, size,
// modification time and inode of each.
func fingerprint(files []string) string {
	var b strings.Builder
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			fmt.Fprintf(&b, "%s missing\n", file)
			continue
		}
		fmt.Fprintf(&b, "%s %d %d %v\n", file, info.Size(), info.ModTime().UnixNano(), inode(info))
	}
	return b.String()
}

func inode(info os.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ino
	}
	return 0
}
