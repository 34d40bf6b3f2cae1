package session

import "math/bits"

// table is a hash table with open addressing and linear probing. Its items contain
// their keys, so that it needs less memory than a map, which stores the key again: by
// default an instance caches a hundred thousand sessions and tokens. An item is found
// in its home slot or one of the next, without following a pointer. It is not safe for
// concurrent use.
type table[T any] struct {
	hash  func(*T) uint64
	empty func(*T) bool // true for the zero T, which can't be an item
	slots []T
	n     int // number of items
	hand  int // of the clock algorithm, see evict
}

const minTable = 8

// home returns the first slot for an item with this hash.
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

// find returns the item with this hash for which same is true; nil if there is none.
// The pointer is valid until the table is changed.
func (t *table[T]) find(hash uint64, same func(*T) bool) *T {
	if i := t.index(hash, same); i >= 0 {
		return &t.slots[i]
	}
	return nil
}

// index returns the slot of the item; -1 if there is none.
func (t *table[T]) index(hash uint64, same func(*T) bool) int {
	if len(t.slots) == 0 {
		return -1
	}
	for i := t.home(hash); !t.empty(&t.slots[i]); i = t.next(i) {
		if same(&t.slots[i]) {
			return i
		}
	}
	return -1
}

// insert adds an item that is not in the table.
func (t *table[T]) insert(item T) {
	if t.n+1 > len(t.slots)*7/8 { // linear probing is slow in a full table
		t.resize(max(minTable, len(t.slots)*3/2))
	}
	t.place(&item)
	t.n++
}

func (t *table[T]) place(item *T) {
	i := t.home(t.hash(item))
	for !t.empty(&t.slots[i]) {
		i = t.next(i)
	}
	t.slots[i] = *item
}

func (t *table[T]) resize(size int) {
	old := t.slots
	t.slots, t.hand = make([]T, size), 0
	for i := range old {
		if !t.empty(&old[i]) {
			t.place(&old[i])
		}
	}
}

// remove removes an item and returns it; the zero T if there is none.
func (t *table[T]) remove(hash uint64, same func(*T) bool) (item T) {
	if i := t.index(hash, same); i >= 0 {
		item = t.slots[i]
		t.clear(i)
		t.n--
	}
	return item
}

// clear empties slot i, and moves the items behind it that could no longer be found.
func (t *table[T]) clear(i int) {
	for j := t.next(i); !t.empty(&t.slots[j]); j = t.next(j) {
		home := t.home(t.hash(&t.slots[j]))
		if between(i, home, j) {
			continue
		}
		t.slots[i] = t.slots[j]
		i = j
	}
	var zero T
	t.slots[i] = zero
}

// between reports whether home is in the cyclic interval (i, j].
func between(i, home, j int) bool {
	if i <= j {
		return i < home && home <= j
	}
	return i < home || home <= j
}

// evict removes an item by the clock algorithm: the next one that was not used since
// the hand last passed it. The table must not be empty.
func (t *table[T]) evict(used func(*T) (since bool)) T {
	for {
		t.hand = t.next(t.hand)
		if item := t.slots[t.hand]; !t.empty(&item) && !used(&t.slots[t.hand]) {
			t.clear(t.hand)
			t.n--
			return item
		}
	}
}

// all returns the items that are in the table now.
func (t *table[T]) all() []T {
	items := make([]T, 0, t.n)
	for i := range t.slots {
		if !t.empty(&t.slots[i]) {
			items = append(items, t.slots[i])
		}
	}
	return items
}
