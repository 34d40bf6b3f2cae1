package session

import (
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// maxCachedTokens bounds the tokens known to one instance, and with them the
// sessions: at under 500 bytes each some 50 MB.
const maxCachedTokens = 100_000

// cache is what this instance knows without asking Redis: for each token
// checked its session, and for each session the one cachedSession that all its
// tokens, requests and streams share. That is therefore the one place to mark
// when a session ends.
type cache struct {
	tokens *otter.Cache[tokenHash, cachedToken]
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

const cacheShards = 64

// cacheShard holds the sessions that are referred to: by a cached token or by a
// watched request.
type cacheShard struct {
	mu       sync.Mutex
	sessions map[string]*cachedSession
	events   uint64 // so many were received; a reply asked for before the last may be older than it
	_        [32]byte
}

// tokenHash is half of a token's SHA-256, enough against all who can't make
// good tokens themselves. One token has one text.
type tokenHash [16]byte

// cachedToken is a token that was found good.
type cachedToken struct {
	session *cachedSession
	end     int64 // Unix seconds
	key     keyID // of the secret that it was made with
}

// cachedSession is a session as this instance last saw it. Its fields are atomic
// because every request of the session reads them.
type cachedSession struct {
	session     atomic.Pointer[Session]
	created     int64        // Unix milliseconds
	confirmedAt atomic.Int64 // when Redis was asked that confirmed it, Unix nanoseconds
	usedAt      atomic.Int64 // the last use known, Unix nanoseconds
	tokenEnd    atomic.Int64 // of the newest token known, Unix seconds
	epoch       atomic.Uint32
	flags       atomic.Uint32
	savedAt     atomic.Int64             // the last use that Redis knows, Unix nanoseconds
	refs        int32                    // cached tokens and the watch list; guarded by the shard
	watch       atomic.Pointer[watchers] // while it is on the watch list
}

// The flags of a cachedSession.
const (
	ended   = 1 << iota // for good: an id is never used again
	stale               // something changed: Redis is asked before the next use
	unsaved             // usedAt is queued to be written to Redis
)

func (cs *cachedSession) is(flag uint32) bool { return cs.flags.Load()&flag != 0 }

// set tells whether it made a difference.
func (cs *cachedSession) set(flag uint32) bool { return cs.flags.Or(flag)&flag == 0 }

func (cs *cachedSession) clear(flag uint32) { cs.flags.And(^flag) }

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].sessions = map[string]*cachedSession{}
	}
	c.tokens = otter.Must(&otter.Options[tokenHash, cachedToken]{
		MaximumSize:      maxCachedTokens,
		OnAtomicDeletion: func(e otter.DeletionEvent[tokenHash, cachedToken]) { c.release(e.Value.session) },
	})
	return c
}

func (c *cache) shard(sid string) *cacheShard {
	return &c.shards[maphash.String(c.seed, sid)%cacheShards]
}

// readVersion is taken before Redis is asked. It orders replies, and tells
// whether an event was received between question and reply.
type readVersion struct {
	at     time.Time
	epoch  uint32
	events uint64
}

func (c *cache) readVersion(sid string, at time.Time, epoch uint32) readVersion {
	sh := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return readVersion{at, epoch, sh.events}
}

// insert applies a reply of Redis to the session, which it adds if it isn't
// cached, and refers to it; release gives the reference back.
func (c *cache) insert(r storedSession, v readVersion) *cachedSession {
	sh := c.shard(r.session.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	cs := sh.sessions[r.session.ID]
	if cs == nil {
		cs = &cachedSession{created: r.created}
		sh.sessions[r.session.ID] = cs
	}
	cs.refs++
	cs.apply(r, v, sh.events)
	return cs
}

// update applies a reply of Redis to a session that the caller refers to.
func (c *cache) update(cs *cachedSession, r storedSession, v readVersion) {
	sh := c.shard(r.session.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	cs.apply(r, v, sh.events)
}

// apply is called under the shard's lock. A reply older than the last one
// applied changes nothing.
func (cs *cachedSession) apply(r storedSession, v readVersion, events uint64) {
	at := v.at.UnixNano()
	if at < cs.confirmedAt.Load() {
		return
	}
	if old := cs.session.Load(); old == nil || !old.equal(r.session) {
		cs.session.Store(r.session)
	}
	raise(&cs.usedAt, r.lastSeen.UnixNano())
	raise(&cs.savedAt, r.lastSeen.UnixNano())
	raise(&cs.tokenEnd, r.tokenEnd)
	cs.epoch.Store(v.epoch)
	if events == v.events {
		cs.clear(stale)
	} else {
		cs.set(stale)
	}
	cs.confirmedAt.Store(at)
}

func raise(v *atomic.Int64, to int64) {
	for old := v.Load(); old < to; old = v.Load() {
		if v.CompareAndSwap(old, to) {
			return
		}
	}
}

// release is called for every token that leaves the cache.
func (c *cache) release(cs *cachedSession) {
	sid := cs.session.Load().ID
	sh := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	cs.refs--
	if cs.refs == 0 && sh.sessions[sid] == cs {
		delete(sh.sessions, sid)
	}
}

// acquire refers to the cached session of sid, nil if there is none.
func (c *cache) acquire(sid string) *cachedSession {
	sh := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	cs := sh.sessions[sid]
	if cs != nil {
		cs.refs++
	}
	return cs
}

// retain puts a session back that may have left the cache, or takes the one that
// is there now, and refers to it.
func (c *cache) retain(cs *cachedSession) *cachedSession {
	sid := cs.session.Load().ID
	sh := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if cached := sh.sessions[sid]; cached != nil {
		cs = cached
	} else {
		cs.set(stale) // events passed it by while it was not in the cache
		sh.sessions[sid] = cs
	}
	cs.refs++
	return cs
}

// event lets change alter the session sid, if it is cached, and makes every
// reply that was asked for before count as stale.
func (c *cache) event(sid string, change func(*cachedSession)) {
	sh := c.shard(sid)
	sh.mu.Lock()
	sh.events++
	cs := sh.sessions[sid]
	sh.mu.Unlock()
	if cs != nil {
		change(cs)
	}
}

// eventForAll makes every reply that was asked for before count as stale.
func (c *cache) eventForAll() {
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		sh.events++
		sh.mu.Unlock()
	}
}

// all is the sessions that are cached now.
func (c *cache) all() []*cachedSession {
	var all []*cachedSession
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		all = slices.AppendSeq(all, maps.Values(sh.sessions))
		sh.mu.Unlock()
	}
	return all
}

func (c *cache) count() int {
	n := 0
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		n += len(sh.sessions)
		sh.mu.Unlock()
	}
	return n
}
