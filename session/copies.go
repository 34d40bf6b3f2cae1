package session

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// mostCopies bounds the tokens known to one instance, and with them the
// sessions: at under 500 bytes each some 50 MB.
const mostCopies = 100_000

// copies is what this instance knows without asking: for each token checked
// its session, and for each session the one live copy that all its tokens,
// requests and streams share. The copy is therefore the one place to mark when
// a session ends.
type copies struct {
	tokens *otter.Cache[tokenHash, checked]
	seed   maphash.Seed
	shards [copyShards]copyShard
}

const copyShards = 64

// copyShard holds the copies that are in use: by a cached token or by a
// watched request.
type copyShard struct {
	mu     sync.Mutex
	copies map[string]*liveCopy
	events uint64 // so many have come; an answer asked for before the last may be older than it
	_      [32]byte
}

// tokenHash is half of a token's SHA-256, enough against all who can't make
// good tokens themselves. One token has one text.
type tokenHash [16]byte

// checked is a token that was found good.
type checked struct {
	copy *liveCopy
	end  int64 // Unix seconds
	key  keyID // of the secret that it was made with
}

// liveCopy is a session as this instance last saw it. Its fields are atomic
// because every request of the session reads them.
type liveCopy struct {
	session     atomic.Pointer[Session]
	confirmedAt atomic.Int64 // when Redis was asked that said so, Unix nanoseconds
	usedAt      atomic.Int64 // the last use known, Unix nanoseconds
	tokenEnd    atomic.Int64 // of the newest token known, Unix seconds
	epoch       atomic.Uint32
	marks       atomic.Uint32
	savedAt     atomic.Int64             // the last use that Redis knows, Unix nanoseconds
	holders     int32                    // tokens and the watch list; the shard's
	watch       atomic.Pointer[watchers] // while it is on the watch list
}

// What a copy is marked with.
const (
	ended   = 1 << iota // for good: an id is never used again
	again               // something changed: to be asked before the next use
	unsaved             // usedAt is on its way to Redis
)

func (l *liveCopy) is(m uint32) bool { return l.marks.Load()&m != 0 }

// set tells whether it made a difference.
func (l *liveCopy) set(m uint32) bool { return l.marks.Or(m)&m == 0 }

func (l *liveCopy) clear(m uint32) { l.marks.And(^m) }

func newCopies() *copies {
	c := &copies{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].copies = map[string]*liveCopy{}
	}
	c.tokens = otter.Must(&otter.Options[tokenHash, checked]{
		MaximumSize:      mostCopies,
		OnAtomicDeletion: func(e otter.DeletionEvent[tokenHash, checked]) { c.release(e.Value.copy) },
	})
	return c
}

func (c *copies) shard(sid string) *copyShard {
	return &c.shards[maphash.String(c.seed, sid)%copyShards]
}

// mark is taken before Redis is asked and tells later whether something
// happened meanwhile.
type mark struct {
	at     time.Time
	epoch  uint32
	events uint64
}

func (c *copies) mark(sid string, at time.Time, epoch uint32) mark {
	sh := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return mark{at, epoch, sh.events}
}

// learn takes an answer of Redis into the one copy of the session and holds
// it; release gives it back.
func (c *copies) learn(a found, m mark) *liveCopy {
	sh := c.shard(a.session.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	l := sh.copies[a.session.ID]
	if l == nil {
		l = &liveCopy{}
		sh.copies[a.session.ID] = l
	}
	l.holders++
	l.take(a, m, sh.events)
	return l
}

// confirm is learn for a copy that is in hand.
func (c *copies) confirm(l *liveCopy, a found, m mark) {
	sh := c.shard(a.session.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	l.take(a, m, sh.events)
}

// take is called under the shard's lock.
func (l *liveCopy) take(a found, m mark, events uint64) {
	at := m.at.UnixNano()
	if at < l.confirmedAt.Load() {
		return
	}
	if old := l.session.Load(); old == nil || !old.equal(a.session) {
		l.session.Store(a.session)
	}
	raise(&l.usedAt, a.seen.UnixNano())
	raise(&l.savedAt, a.seen.UnixNano())
	raise(&l.tokenEnd, a.tokenEnd)
	l.epoch.Store(m.epoch)
	if events == m.events {
		l.clear(again)
	} else {
		l.set(again)
	}
	l.confirmedAt.Store(at)
}

func raise(v *atomic.Int64, to int64) {
	for old := v.Load(); old < to; old = v.Load() {
		if v.CompareAndSwap(old, to) {
			return
		}
	}
}

// release is called for every token that the cache lets go.
func (c *copies) release(l *liveCopy) {
	sid := l.session.Load().ID
	sh := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	l.holders--
	if l.holders == 0 && sh.copies[sid] == l {
		delete(sh.copies, sid)
	}
}

// held is the copy of sid if there is one, held once more.
func (c *copies) held(sid string) *liveCopy {
	sh := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	l := sh.copies[sid]
	if l != nil {
		l.holders++
	}
	return l
}

// hold puts l among the copies in use, or answers with the copy that is there.
func (c *copies) hold(l *liveCopy) *liveCopy {
	sid := l.session.Load().ID
	sh := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if there := sh.copies[sid]; there != nil {
		l = there
	} else {
		l.set(again) // nobody told it anything while it was out of use
		sh.copies[sid] = l
	}
	l.holders++
	return l
}

// event lets do change the copy of sid, if there is one, and makes every
// answer on its way count as old.
func (c *copies) event(sid string, do func(*liveCopy)) {
	sh := c.shard(sid)
	sh.mu.Lock()
	sh.events++
	l := sh.copies[sid]
	sh.mu.Unlock()
	if l != nil {
		do(l)
	}
}

func (c *copies) count() int {
	n := 0
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		n += len(sh.copies)
		sh.mu.Unlock()
	}
	return n
}
