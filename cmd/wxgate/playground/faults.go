package playground

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// SetFault switches a fault on or off.
type SetFault func(ctx context.Context, on bool, c Cause) error

// Cause describes the page's request that changes a switch.
type Cause struct {
	User      string // the chosen user; "" for a fault that affects all users
	RequestID string
}

// Faults are the switches of the page. A fault stays on until somebody switches it
// off, so the state is kept here and not in a page.
type Faults struct {
	Recorder *Recorder
	Set      map[string]SetFault // by name

	mu     sync.Mutex
	active map[fault]bool
}

// fault is the fault of a switch.
type fault struct {
	Name string `json:"name"`
	User string `json:"user,omitempty"`
}

// faultChange is a change of a switch: the page sends it, and all pages receive it.
type faultChange struct {
	fault
	On        bool   `json:"on"`
	RequestID string `json:"request_id,omitempty"`
}

// maxFaults bounds the number of active faults.
const maxFaults = 1000

// ServeHTTP returns the active faults for GET, and changes a switch for PUT.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch r.Method {
	case http.MethodGet:
		f.mu.Lock()
		defer f.mu.Unlock()
		writeJSON(w, http.StatusOK, sortedFaults(f.active))
	case http.MethodPut:
		f.change(w, r)
	default:
		w.Header().Set("Allow", "GET, PUT")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

func sortedFaults(active map[fault]bool) []fault {
	list := slices.SortedFunc(maps.Keys(active), func(a, b fault) int { return strings.Compare(a.Name+" "+a.User, b.Name+" "+b.User) })
	return append([]fault{}, list...) // an empty list, not null
}

func (f *Faults) change(w http.ResponseWriter, r *http.Request) {
	var c faultChange
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&c); err != nil || f.Set[c.Name] == nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "there is no such switch"})
		return
	}
	c.RequestID = r.Header.Get(requestIDHeader)
	if err := f.apply(r.Context(), c); err != nil {
		writeJSON(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, c)
}

func (f *Faults) apply(ctx context.Context, c faultChange) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.active[c.fault] == c.On {
		return nil
	}
	if err := f.Set[c.Name](ctx, c.On, Cause{c.User, c.RequestID}); err != nil {
		return err
	}
	if f.active == nil || len(f.active) == maxFaults {
		f.active = map[fault]bool{}
	}
	if c.On {
		f.active[c.fault] = true
	} else {
		delete(f.active, c.fault)
	}
	f.Recorder.fault(c)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
