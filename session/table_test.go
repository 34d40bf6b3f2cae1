package session

import (
	"math/rand/v2"
	"testing"
)

// The table holds what a map holds, whatever is put in and taken out.
func TestTableHoldsWhatAMapHolds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, spread := range []uint64{1, 1 << 60, ^uint64(0)} { // all in one place, some, all over
		type item struct{ key, hash uint64 }
		tab := table[item]{hash: func(i *item) uint64 { return i.hash }, empty: func(i *item) bool { return *i == item{} }}
		want := map[uint64]item{}
		hash := func(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 % spread }
		for range 20_000 {
			key := 1 + random.Uint64N(500)
			same := func(i *item) bool { return i.key == key }
			found := tab.find(hash(key), same)
			if item, ok := want[key]; ok != (found != nil) || ok && *found != item {
				t.Fatalf("key %d: %v, not %v", key, found, want[key])
			}
			switch {
			case found == nil:
				want[key] = item{key, hash(key)}
				tab.insert(want[key])
			case random.IntN(2) == 0:
				if tab.remove(hash(key), same) != want[key] || tab.remove(hash(key), same) != (item{}) {
					t.Fatalf("key %d is not removed once", key)
				}
				delete(want, key)
			}
			if tab.n != len(want) {
				t.Fatalf("%d items, not %d", tab.n, len(want))
			}
		}
		if n := len(tab.all()); n != len(want) {
			t.Errorf("%d items in all, not %d", n, len(want))
		}
	}
}

func TestTableEvictsWhatWasNotUsed(t *testing.T) {
	t.Parallel()
	type item struct {
		key  uint64
		used bool
	}
	hash := func(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 }
	tab := table[item]{hash: func(i *item) uint64 { return hash(i.key) }, empty: func(i *item) bool { return i.key == 0 }}
	for key := range uint64(100) {
		tab.insert(item{key: key + 1})
	}
	for range 100 {
		for key := range uint64(10) { // ten that are always in use
			if i := tab.find(hash(key+1), func(i *item) bool { return i.key == key+1 }); i != nil {
				i.used = true
			}
		}
		old := tab.evict(func(i *item) bool {
			used := i.used
			i.used = false
			return used
		})
		if old.key <= 10 && tab.n >= 10 {
			t.Fatalf("evicted %d, which was used", old.key)
		}
	}
	if tab.n != 0 {
		t.Errorf("%d are left", tab.n)
	}
}
