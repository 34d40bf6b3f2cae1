package playground

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"wxgate/session"
)

// snapshot is what lies in Redis for a user.
type snapshot struct {
	AppID   string          `json:"appid"`
	OpenID  string          `json:"openid"`
	Entries []session.Entry `json:"entries"`
}

// inspections are the readings of the store: one at a time, and for each user one
// waiting at most.
type inspections struct {
	mu      sync.Mutex
	waiting map[person]bool

	one  sync.Mutex
	seen map[person]string // what was reported last, without the times to live
}

// inspectTimeout bounds one inspection.
const inspectTimeout = 2 * time.Second

// maxSeen bounds the memory of what was reported.
const maxSeen = 1000

// inspectStore reports, in the background, what lies in Redis for a user after a
// call, if that has changed.
func (r *Recorder) inspectStore(call int64, p person) {
	if r.Inspect == nil || p == (person{}) || !r.inspections.claim(p) {
		return
	}
	go func() {
		r.inspections.one.Lock()
		defer r.inspections.one.Unlock()
		r.inspections.release(p)
		ctx, cancel := context.WithTimeout(context.Background(), inspectTimeout)
		defer cancel()
		entries, err := r.Inspect(ctx, p.appid, p.openid)
		if err == nil && r.inspections.changed(p, entries) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.emit(call, kindStore, snapshot{p.appid, p.openid, entries})
		}
	}()
}

func (l *inspections) claim(p person) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[p] {
		return false
	}
	if l.waiting == nil {
		l.waiting = map[person]bool{}
	}
	l.waiting[p] = true
	return true
}

func (l *inspections) release(p person) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, p)
}

// changed compares with what was reported of the user last. The caller holds l.one.
func (l *inspections) changed(p person, entries []session.Entry) bool {
	still := slices.Clone(entries)
	for i := range still {
		still[i].TTL = 0
	}
	text, err := json.Marshal(still)
	if err != nil || l.seen[p] == string(text) {
		return false
	}
	if l.seen == nil || len(l.seen) == maxSeen {
		l.seen = map[person]string{}
	}
	l.seen[p] = string(text)
	return true
}
