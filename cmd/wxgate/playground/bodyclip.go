package playground

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// clipLength is the number of bytes of a body that are shown.
const clipLength = 8 << 10

// clip is the beginning of a body. It is safe for concurrent use.
type clip struct {
	mu    sync.Mutex
	kept  []byte
	total int64
}

func (c *clip) add(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += int64(len(p))
	c.kept = append(c.kept, p[:min(len(p), clipLength-len(c.kept))]...)
}

func (c *clip) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.kept)
}

// text is the body as the page shows it: tokens are shortened, and a long body is cut.
func (c *clip) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := string(c.kept)
	cut := c.total > int64(len(c.kept))
	if cut {
		text = strings.ToValidUTF8(text[:len(text)-utf8.UTFMax], "") // a character that the cut has split
	}
	if !utf8.ValidString(text) {
		return fmt.Sprintf("(%d bytes, not text)", c.total)
	}
	if cut {
		return shorten(text) + fmt.Sprintf("… (%d bytes in all)", c.total)
	}
	return shorten(text)
}
