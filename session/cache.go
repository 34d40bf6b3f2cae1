package session

import (
	"encoding/binary"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// cache is what this instance has without a query to Redis: for each token
// checked its session, and for each session the one cachedSession that all its
// tokens, requests and streams share. That is therefore the one place to mark
// when a session ends. It is bounded by its tokens: with its last token, and when
// nobody watches it, a session leaves.
type cache struct {
	seed     maphash.Seed
	size     atomic.Int64 // tokens at most
	cached   atomic.Int64 // tokens
	hand     atomic.Uint32
	sessions [cacheShards]sessionShard
	tokens   [cacheShards]tokenShard
}

const cacheShards = 64

// sessionShard holds the sessions that are referred to: by a cached token or by a
// watched request.
type sessionShard struct {
	mu     sync.Mutex
	table  table[*cachedSession]
	events uint64 // so many were received; a reply to a query before the last may be older than it
}

type tokenShard struct {
	mu    sync.Mutex
	table table[cachedToken]
}

// tokenHash is a part of a token's SHA-256, enough against all who can't make
// good tokens themselves. One token has one text.
type tokenHash [15]byte

func (h tokenHash) number() uint64 { return binary.LittleEndian.Uint64(h[:8]) }

// cachedToken is a token that was found good: 32 bytes.
type cachedToken struct {
	session *cachedSession
	end     uint32 // Unix seconds
	key     keyID  // of the secret that it was made with
	hash    tokenHash
	used    bool // since the cache last looked for one to evict
}

// cachedSession is a session as this instance last saw it: 112 bytes and its text. Its
// fields are atomic because every request of the session reads them. What a request reads
// lies together: among a hundred thousand sessions, each place in memory costs a request
// more than all that is done with it.
type cachedSession struct {
	packed      atomic.Pointer[packedSession] // first, until facts of the user change
	created     int64                         // Unix milliseconds
	confirmedAt atomic.Int64                  // when the query began by which Redis confirmed it, Unix nanoseconds
	usedAt      atomic.Int64                  // the last use known, Unix nanoseconds
	savedAt     atomic.Int64                  // the last use that Redis knows, Unix nanoseconds
	watch       atomic.Pointer[watchers]      // while it is on the watch list
	tokenEnd    atomic.Uint32                 // of the newest token known, Unix seconds
	epoch       atomic.Uint32
	flags       atomic.Uint32
	refs        atomic.Int32 // cached tokens and the watch list; raised from 0 under the shard's lock only
	first       packedSession
}

// The flags of a cachedSession.
const (
	ended   = 1 << iota // for good: an id is never used again
	stale               // something changed: Redis is queried before the next use
	unsaved             // usedAt is queued to be written to Redis
)

func (cs *cachedSession) is(flag uint32) bool { return cs.flags.Load()&flag != 0 }

// set reports whether it made a difference.
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

// shard returns where sid is kept. The low bits choose it; the table uses the high ones.
func (c *cache) shard(sid string) (*sessionShard, uint64) {
	hash := c.hash(sid)
	return &c.sessions[hash%cacheShards], hash
}

// cached is called under the shard's lock.
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

// find is called under the shard's lock.
func (sh *tokenShard) find(hash tokenHash) *cachedToken {
	return sh.table.find(hash.number(), func(t *cachedToken) bool { return t.hash == hash })
}

// remove is called under the shard's lock. It returns the zero cachedToken where there is none.
func (sh *tokenShard) remove(hash tokenHash) cachedToken {
	return sh.table.remove(hash.number(), func(t *cachedToken) bool { return t.hash == hash })
}

// addToken caches a token, which takes over a reference to its session. Where
// there is no room others leave.
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
	c.cached.Add(1)
	c.evictSurplus()
}

// resize bounds the cache anew.
func (c *cache) resize(tokens int) {
	c.size.Store(int64(tokens))
	c.evictSurplus()
}

func (c *cache) evictSurplus() {
	for c.cached.Load() > c.size.Load() {
		c.evict()
	}
}

// evict takes one token out, of the next shard that has one.
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
		c.cached.Add(-1)
		c.release(old.session)
		return
	}
}

// removeTokens removes the tokens from the cache for which keep is false.
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
		c.cached.Add(-1)
		c.release(t.session)
	}
}

// readVersion is taken before Redis is queried. It orders replies, and tells
// whether an event was received between question and reply.
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

// insert applies a reply of Redis to the session, which it adds if it isn't
// cached, and refers to it; release releases the reference.
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

// update applies a reply of Redis to a session that the caller refers to.
func (c *cache) update(cs *cachedSession, r storedSession, v readVersion) {
	sh, _ := c.shard(r.session.ID)
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
	if now := packSession(r.session); !now.equal(cs.packed.Load()) {
		changed := now // now itself stays on the stack
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

// seconds32 holds Unix seconds until the year 2106.
func seconds32(seconds int64) uint32 { return uint32(min(max(seconds, 0), 1<<32-1)) }

// release returns a reference back. With the last one the session leaves the cache.
func (c *cache) release(cs *cachedSession) {
	if cs.refs.Add(-1) > 0 {
		return
	}
	sh, hash := c.shard(cs.packed.Load().sid())
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if cs.refs.Load() == 0 { // nobody has found it meanwhile
		sh.table.remove(hash, func(o **cachedSession) bool { return *o == cs })
	}
}

// acquire refers to the cached session of sid, nil if there is none.
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

// retain refers to a session that may have left the cache: it is inserted again, unless
// another of the same id is there, which is returned then. The usual case needs no
// look-up.
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
		cs.set(stale) // it received no events while it was not in the cache
		sh.table.insert(cs)
	}
	cs.refs.Add(1)
	return cs
}

// event lets change alter the session sid, if it is cached, and makes every
// reply that was requested before count as stale.
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

// eventForAll makes every reply that was requested before count as stale.
func (c *cache) countEvent() {
	for i := range c.sessions {
		sh := &c.sessions[i]
		sh.mu.Lock()
		sh.events++
		sh.mu.Unlock()
	}
}

// all is the sessions that are cached now.
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
