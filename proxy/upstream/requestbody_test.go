package upstream

import (
	"io"
	"strings"
	"testing"
)

// A goroutine of a failed attempt may read the body late.
func TestOnlyTheCurrentAttemptReadsTheBody(t *testing.T) {
	t.Parallel()
	b := &requestBody{body: io.NopCloser(strings.NewReader("the body"))}
	first, err := b.attach()
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.attach()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := first.Read(make([]byte, 3)); n != 0 || err != errBodyInUse {
		t.Errorf("the first attempt got %d bytes, %v", n, err)
	}
	first.Close()
	if text, err := io.ReadAll(second); string(text) != "the body" || err != nil {
		t.Errorf("the second attempt got %q, %v", text, err)
	}
	if _, err := b.attach(); err != errBodyInUse {
		t.Errorf("a third attempt would send what is left: %v", err)
	}
}
