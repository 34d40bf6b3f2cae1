package session

import (
	"encoding/binary"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// cache holds what this instance can use without a query to Redis: for each cached
// token its session, and for each session the one cachedSession that all its tokens,
// requests and streams share. So one flag marks a session ended for all of them. The
// number of tokens is bounded. A session is removed when it has no cached token and
// nothing watches it.
type cache struct {
	seed       maphash.Seed
	maxTokens  atomic.Int64
	tokenCount atomic.Int64
	hand       atomic.Uint32 // of the clock algorithm: the shard of the last eviction
	sessions   [cacheShards]sessionShard
	tokens     [cacheShards]tokenShard
}

const cacheShards = 64

// sessionShard holds a part of the sessions that have references.
type sessionShard struct {
	mu     sync.Mutex
	table  table[*cachedSession]
	events uint64 // number of events received for its sessions
}

type tokenShard struct {
	mu    sync.Mutex
	table table[cachedToken]
}

// tokenHash is the first 120 bits of a token's SHA-256. That is enough: an attacker
// would need a second preimage, and can't create valid tokens to look for collisions.
type tokenHash [15]byte

func (h tokenHash) number() uint64 { return binary.LittleEndian.Uint64(h[:8]) }

// cachedToken is a token that was verified: 32 bytes.
type cachedToken struct {
	session *cachedSession
	end     uint32 // Unix seconds
	key     keyID  // of the secret that signed it
	hash    tokenHash
	used    bool // since the last eviction passed it
}

// cachedSession is a session as this instance last loaded it: 112 bytes and its text.
// Requests read its fields concurrently. The fields that a request reads are adjacent:
// with a hundred thousand sessions, each cache miss costs a request more than all it
// computes.
type cachedSession struct {
	packed      atomic.Pointer[packedSession] // &first, until the user's data changes
	created     int64                         // Unix milliseconds
	confirmedAt atomic.Int64                  // when the query that confirmed it began, Unix nanoseconds
	usedAt      atomic.Int64                  // the last use known to this instance, Unix nanoseconds
	savedAt     atomic.Int64                  // the last use stored in Redis, Unix nanoseconds
	watchers    atomic.Pointer[watchers]      // while it is on the watch list
	tokenEnd    atomic.Uint32                 // of the newest token known, Unix seconds
	epoch       atomic.Uint32                 // Store.epoch when the query that confirmed it began
	flags       atomic.Uint32
	refs        atomic.Int32 // number of cached tokens, and 1 for the watch list; increased from 0 under the shard's lock only
	first       packedSession
}

// The flags of a cachedSession.
const (
	ended   = 1 << iota // permanent: an id is never used again
	stale               // its data changed: it is loaded from Redis before the next use
	unsaved             // usedAt is queued to be written to Redis
)

func (cs *cachedSession) is(flag uint32) bool { return cs.flags.Load()&flag != 0 }

// set sets a flag, and reports whether it was not set before.
func (cs *cachedSession) set(flag uint32) bool { return cs.flags.Or(flag)&flag == 0 }

func (cs *cachedSession) clear(flag uint32) { cs.flags.And(^flag) }

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range cacheShards {
		c.sessions[i].table.hash = func(cs **cachedSession) uint64 { return c.hash((*cs).packed.Load().sid()) }
		c.sessions[i].table.empty = func(cs **cachedSession) bool { return *cs == nil }
		c.tokens[i].table.hash = func(t *cachedToken) uint64 { return t.hash.number() }
		c.tokens[i].table.empty = func(t *cachedToken) bool { return t.session == nil }
	}
	return c
}

func (c *cache) hash(sid string) uint64 { return maphash.String(c.seed, sid) }

// shard returns the shard of a session, and the hash of its id. The low bits of the
// hash choose the shard; the table uses the high ones.
func (c *cache) shard(sid string) (*sessionShard, uint64) {
	hash := c.hash(sid)
	return &c.sessions[hash%cacheShards], hash
}

// cached returns the session, nil if it is not cached; the shard's lock is held.
func (sh *sessionShard) cached(sid string, hash uint64) *cachedSession {
	cs := sh.table.find(hash, func(cs **cachedSession) bool { return (*cs).packed.Load().sid() == sid })
	if cs == nil {
		return nil
	}
	return *cs
}

// token returns the cached token with this hash.
func (c *cache) token(hash tokenHash) (cachedToken, bool) {
	sh := c.tokenShard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := sh.find(hash)
	if t == nil {
		return cachedToken{}, false
	}
	t.used = true
	return *t, true
}

func (c *cache) tokenShard(hash tokenHash) *tokenShard {
	return &c.tokens[hash[14]%cacheShards]
}

// find returns the token, nil if it is not cached; the shard's lock is held.
func (sh *tokenShard) find(hash tokenHash) *cachedToken {
	return sh.table.find(hash.number(), func(t *cachedToken) bool { return t.hash == hash })
}

// remove removes the token and returns it, the zero value if it is not cached; the
// shard's lock is held.
func (sh *tokenShard) remove(hash tokenHash) cachedToken {
	return sh.table.remove(hash.number(), func(t *cachedToken) bool { return t.hash == hash })
}

// addToken caches a token. The caller's reference to its session becomes the token's.
// If the cache is full, other tokens are evicted.
func (c *cache) addToken(token cachedToken) {
	token.used = true
	sh := c.tokenShard(token.hash)
	sh.mu.Lock()
	old := sh.remove(token.hash)
	sh.table.insert(token)
	sh.mu.Unlock()
	if old.session != nil {
		c.release(old.session)
		return
	}
	c.tokenCount.Add(1)
	c.evictSurplus()
}

// resize sets the maximum number of tokens.
func (c *cache) resize(tokens int) {
	c.maxTokens.Store(int64(tokens))
	c.evictSurplus()
}

func (c *cache) evictSurplus() {
	for c.tokenCount.Load() > c.maxTokens.Load() {
		c.evict()
	}
}

// evict removes one token, from the next shard that has one.
func (c *cache) evict() {
	for range cacheShards {
		sh := &c.tokens[c.hand.Add(1)%cacheShards]
		sh.mu.Lock()
		if sh.table.n == 0 {
			sh.mu.Unlock()
			continue
		}
		old := sh.table.evict(func(t *cachedToken) bool {
			used := t.used
			t.used = false
			return used
		})
		sh.mu.Unlock()
		c.tokenCount.Add(-1)
		c.release(old.session)
		return
	}
}

// removeTokens removes the tokens for which keep returns false.
func (c *cache) removeTokens(keep func(*cachedToken) bool) {
	for i := range c.tokens {
		sh := &c.tokens[i]
		sh.mu.Lock()
		all := sh.table.all()
		sh.mu.Unlock()
		for i := range all {
			if !keep(&all[i]) {
				c.removeToken(all[i].hash)
			}
		}
	}
}

func (c *cache) removeToken(hash tokenHash) {
	sh := c.tokenShard(hash)
	sh.mu.Lock()
	t := sh.remove(hash)
	sh.mu.Unlock()
	if t.session != nil {
		c.tokenCount.Add(-1)
		c.release(t.session)
	}
}

// readVersion is taken before a query to Redis. It orders replies, and shows whether
// an event arrived between the query and its reply.
type readVersion struct {
	at     time.Time
	epoch  uint32
	events uint64
}

func (c *cache) readVersion(sid string, at time.Time, epoch uint32) readVersion {
	sh, _ := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return readVersion{at, epoch, sh.events}
}

// insert applies a reply of Redis to a session, which it adds if it isn't cached, and
// returns it with a reference for the caller.
func (c *cache) insert(r storedSession, v readVersion) *cachedSession {
	sh, hash := c.shard(r.session.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	cs := sh.cached(r.session.ID, hash)
	if cs == nil {
		cs = &cachedSession{created: r.created, first: packSession(r.session)}
		cs.packed.Store(&cs.first)
		sh.table.insert(cs)
	}
	cs.refs.Add(1)
	cs.apply(r, v, sh.events)
	return cs
}

// update applies a reply of Redis to a session. The caller has a reference.
func (c *cache) update(cs *cachedSession, r storedSession, v readVersion) {
	sh, _ := c.shard(r.session.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	cs.apply(r, v, sh.events)
}

// apply applies a reply of Redis, unless a newer one was applied; the shard's lock is
// held.
func (cs *cachedSession) apply(r storedSession, v readVersion, events uint64) {
	at := v.at.UnixNano()
	if at < cs.confirmedAt.Load() {
		return
	}
	if latest := packSession(r.session); !latest.equal(cs.packed.Load()) {
		changed := latest // so that latest itself stays on the stack
		cs.packed.Store(&changed)
	}
	storeMax(&cs.usedAt, r.lastSeen.UnixNano())
	storeMax(&cs.savedAt, r.lastSeen.UnixNano())
	cs.raiseTokenEnd(r.tokenEnd)
	cs.epoch.Store(v.epoch)
	if events == v.events {
		cs.clear(stale)
	} else {
		cs.set(stale)
	}
	cs.confirmedAt.Store(at)
}

// storeMax stores to, unless v is larger.
func storeMax(v *atomic.Int64, to int64) {
	for old := v.Load(); old < to; old = v.Load() {
		if v.CompareAndSwap(old, to) {
			return
		}
	}
}

func (cs *cachedSession) raiseTokenEnd(seconds int64) {
	to := seconds32(seconds)
	for old := cs.tokenEnd.Load(); old < to; old = cs.tokenEnd.Load() {
		if cs.tokenEnd.CompareAndSwap(old, to) {
			return
		}
	}
}

// seconds32 converts Unix seconds, up to the year 2106.
func seconds32(seconds int64) uint32 { return uint32(min(max(seconds, 0), 1<<32-1)) }

// release drops a reference. A session without references is removed.
func (c *cache) release(cs *cachedSession) {
	if cs.refs.Add(-1) > 0 {
		return
	}
	sh, hash := c.shard(cs.packed.Load().sid())
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if cs.refs.Load() == 0 { // no other goroutine has acquired it meanwhile
		sh.table.remove(hash, func(o **cachedSession) bool { return *o == cs })
	}
}

// acquire returns the cached session of sid with a reference for the caller, nil if it
// is not cached.
func (c *cache) acquire(sid string) *cachedSession {
	sh, hash := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	cs := sh.cached(sid, hash)
	if cs != nil {
		cs.refs.Add(1)
	}
	return cs
}

// retain adds a reference to a session that may have been removed. If so, it is
// inserted again, or the session of the same id that was cached meanwhile is returned.
// Usually there is another reference, and no look-up is needed.
func (c *cache) retain(cs *cachedSession) *cachedSession {
	for n := cs.refs.Load(); n > 0; n = cs.refs.Load() {
		if cs.refs.CompareAndSwap(n, n+1) {
			return cs
		}
	}
	sid := cs.packed.Load().sid()
	sh, hash := c.shard(sid)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if cached := sh.cached(sid, hash); cached != nil {
		cs = cached
	} else {
		cs.set(stale) // it missed the events while it was not in the cache
		sh.table.insert(cs)
	}
	cs.refs.Add(1)
	return cs
}

// applyEvent counts an event and calls change with its session, if that is cached. A
// reply of Redis to an earlier query then marks the session stale.
func (c *cache) applyEvent(sid string, change func(*cachedSession)) {
	sh, hash := c.shard(sid)
	sh.mu.Lock()
	sh.events++
	cs := sh.cached(sid, hash)
	sh.mu.Unlock()
	if cs != nil {
		change(cs)
	}
}

// countEvent counts an event of all sessions.
func (c *cache) countEvent() {
	for i := range c.sessions {
		sh := &c.sessions[i]
		sh.mu.Lock()
		sh.events++
		sh.mu.Unlock()
	}
}

// all returns the sessions that are cached now.
func (c *cache) all() []*cachedSession {
	var all []*cachedSession
	for i := range c.sessions {
		sh := &c.sessions[i]
		sh.mu.Lock()
		all = append(all, sh.table.all()...)
		sh.mu.Unlock()
	}
	return all
}

func (c *cache) count() int {
	n := 0
	for i := range c.sessions {
		sh := &c.sessions[i]
		sh.mu.Lock()
		n += sh.table.n
		sh.mu.Unlock()
	}
	return n
}
