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

// looks are the looks into the store: one at a time, and for each user one
// waiting at most.
type looks struct {
	mu      sync.Mutex
	waiting map[person]bool

	one  sync.Mutex
	seen map[person]string // what was told last, without the times to live
}

// lookTime bounds a look.
const lookTime = 2 * time.Second

// mostSeen bounds the memory of what was told.
const mostSeen = 1000

// look tells, beside the call, what lies in Redis for a user after an
// exchange, if that has changed.
func (r *Recorder) look(exchange int64, p person) {
	if r.Inspect == nil || p == (person{}) || !r.looks.claim(p) {
		return
	}
	go func() {
		r.looks.one.Lock()
		defer r.looks.one.Unlock()
		r.looks.release(p)
		ctx, cancel := context.WithTimeout(context.Background(), lookTime)
		defer cancel()
		entries, err := r.Inspect(ctx, p.appid, p.openid)
		if err == nil && r.looks.changed(p, entries) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.emit(exchange, kindStore, snapshot{p.appid, p.openid, entries})
		}
	}()
}

func (l *looks) claim(p person) bool {
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

func (l *looks) release(p person) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, p)
}

// changed compares with what was told of the user last. The caller holds l.one.
func (l *looks) changed(p person, entries []session.Entry) bool {
	still := slices.Clone(entries)
	for i := range still {
		still[i].TTL = 0
	}
	text, err := json.Marshal(still)
	if err != nil || l.seen[p] == string(text) {
		return false
	}
	if l.seen == nil || len(l.seen) == mostSeen {
		l.seen = map[person]string{}
	}
	l.seen[p] = string(text)
	return true
}
