package playground

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"wxgate/session"
)

// snapshot is a user's data in Redis.
type snapshot struct {
	AppID   string          `json:"appid"`
	OpenID  string          `json:"openid"`
	Entries []session.Entry `json:"entries"`
}

// inspections limits the reads of the store: one at a time, and at most one waiting
// for each user.
type inspections struct {
	mu      sync.Mutex
	waiting map[userKey]bool

	running  sync.Mutex         // held by the current read
	reported map[userKey]string // the last reported data, without times to live
}

// inspectTimeout bounds one inspection.
const inspectTimeout = 2 * time.Second

// maxReported bounds the number of users in reported.
const maxReported = 1000

// inspectStore reads a user's data in Redis in the background after a call, and
// reports it if it has changed.
func (r *Recorder) inspectStore(call int64, p userKey) {
	if r.Inspect == nil || p == (userKey{}) || !r.inspections.claim(p) {
		return
	}
	go func() {
		r.inspections.running.Lock()
		defer r.inspections.running.Unlock()
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

func (l *inspections) claim(p userKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[p] {
		return false
	}
	if l.waiting == nil {
		l.waiting = map[userKey]bool{}
	}
	l.waiting[p] = true
	return true
}

func (l *inspections) release(p userKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, p)
}

// changed compares the data with the last reported data of the user. The caller holds
// l.running.
func (l *inspections) changed(p userKey, entries []session.Entry) bool {
	withoutTTL := slices.Clone(entries)
	for i := range withoutTTL {
		withoutTTL[i].TTL = 0
	}
	text, err := json.Marshal(withoutTTL)
	if err != nil || l.reported[p] == string(text) {
		return false
	}
	if l.reported == nil || len(l.reported) == maxReported {
		l.reported = map[userKey]string{}
	}
	l.reported[p] = string(text)
	return true
}
