package proxy

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// frame makes a frame with a payload of n bytes.
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

func TestFramesAreFollowedHoweverTheyAreCut(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var stream []byte
		ends := map[int]bool{0: true}
		for _, n := range []int{0, 1, 125, 126, 127, 1000, 65535, 65536, 70000} {
			stream = append(stream, frame(n, dice.IntN(4) == 0)...)
			ends[len(stream)] = true
		}
		var tracker frameTracker
		for at := 0; at < len(stream); {
			if tracker.between() != ends[at] {
				t.Fatalf("at %d: between frames: %v", at, tracker.between())
			}
			n := min(1+dice.IntN(1+dice.IntN(3000)), len(stream)-at)
			tracker.passed(stream[at : at+n])
			at += n
		}
		if !tracker.between() {
			t.Fatal("the last frame has no end")
		}
	}
}
