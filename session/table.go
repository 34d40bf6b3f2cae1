package session

import "math/bits"

// table is a hash table of pointers, with open addressing and linear probing.
// What it stores has its own key, so that it costs eight bytes a slot where a map
// has the key in each once more: an instance keeps a hundred thousand sessions and
// tokens by default. It is not safe for concurrent use.
type table[T any] struct {
	hash  func(*T) uint64
	slots []*T
	n     int
	hand  int // of evict
}

const minTable = 8

// home is where an item with this hash is looked for first.
func (t *table[T]) home(hash uint64) int {
	high, _ := bits.Mul64(hash, uint64(len(t.slots)))
	return int(high)
}

func (t *table[T]) next(i int) int {
	if i++; i < len(t.slots) {
		return i
	}
	return 0
}

// find gives the item with this hash for which same is true, nil if there is none.
func (t *table[T]) find(hash uint64, same func(*T) bool) *T {
	if len(t.slots) == 0 {
		return nil
	}
	for i := t.home(hash); t.slots[i] != nil; i = t.next(i) {
		if same(t.slots[i]) {
			return t.slots[i]
		}
	}
	return nil
}

// insert adds an item that isn't there.
func (t *table[T]) insert(item *T) {
	if t.n+1 > len(t.slots)*7/8 { // linear probing needs free slots
		t.resize(max(minTable, len(t.slots)*3/2))
	}
	t.place(item)
	t.n++
}

func (t *table[T]) place(item *T) {
	i := t.home(t.hash(item))
	for t.slots[i] != nil {
		i = t.next(i)
	}
	t.slots[i] = item
}

func (t *table[T]) resize(size int) {
	old := t.slots
	t.slots, t.hand = make([]*T, size), 0
	for _, item := range old {
		if item != nil {
			t.place(item)
		}
	}
}

// remove takes an item out, and reports whether it was there.
func (t *table[T]) remove(item *T) bool {
	if len(t.slots) == 0 {
		return false
	}
	i := t.home(t.hash(item))
	for t.slots[i] != item {
		if t.slots[i] == nil {
			return false
		}
		i = t.next(i)
	}
	t.close(i)
	t.n--
	return true
}

// close empties slot i and moves those behind it that would no longer be found.
func (t *table[T]) close(i int) {
	for j := t.next(i); t.slots[j] != nil; j = t.next(j) {
		home := t.home(t.hash(t.slots[j]))
		if between(i, home, j) {
			continue
		}
		t.slots[i] = t.slots[j]
		i = j
	}
	t.slots[i] = nil
}

// between reports whether home lies in (i, j], round the end.
func between(i, home, j int) bool {
	if i <= j {
		return i < home && home <= j
	}
	return i < home || home <= j
}

// evict picks an item to be removed by the clock algorithm: the first from the
// hand on that was not used since the hand came by. It must not be empty.
func (t *table[T]) evict(used func(*T) (since bool)) *T {
	for {
		t.hand = t.next(t.hand)
		if item := t.slots[t.hand]; item != nil && !used(item) {
			return item
		}
	}
}

// all is the items that are in the table now.
func (t *table[T]) all() []*T {
	items := make([]*T, 0, t.n)
	for _, item := range t.slots {
		if item != nil {
			items = append(items, item)
		}
	}
	return items
}
