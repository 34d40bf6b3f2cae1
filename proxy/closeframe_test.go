package proxy

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// frame returns a frame with a payload of n bytes.
func frame(n int, masked bool) []byte {
	f := []byte{0x82, 0}
	switch {
	case n < 126:
		f[1] = byte(n)
	case n < 1<<16:
		f[1] = 126
		f = binary.BigEndian.AppendUint16(f, uint16(n))
	default:
		f[1] = 127
		f = binary.BigEndian.AppendUint64(f, uint64(n))
	}
	if masked {
		f[1] |= 0x80
		f = append(f, 1, 2, 3, 4)
	}
	return append(f, make([]byte, n)...)
}

func TestFrameBoundariesAreFoundHoweverTheStreamIsSplit(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var stream []byte
		ends := map[int]bool{0: true}
		for _, n := range []int{0, 1, 125, 126, 127, 1000, 65535, 65536, 70000} {
			stream = append(stream, frame(n, random.IntN(4) == 0)...)
			ends[len(stream)] = true
		}
		var tracker frameTracker
		for at := 0; at < len(stream); {
			if tracker.atBoundary() != ends[at] {
				t.Fatalf("at %d: at a frame's boundary: %v", at, tracker.atBoundary())
			}
			n := min(1+random.IntN(1+random.IntN(3000)), len(stream)-at)
			tracker.advance(stream[at : at+n])
			at += n
		}
		if !tracker.atBoundary() {
			t.Fatal("the last frame is not complete")
		}
	}
}
