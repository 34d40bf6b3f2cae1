package wechattest

import (
	"net/http"
	"slices"
	"time"

	"wxgate/internal/sleep"
)

// Fault is an injected fault. After Delay, a call gets the first of these that is set:
// Drop, Status and Body, Errcode. With Delay alone it gets the normal response.
type Fault struct {
	API     string        // path of the calls; "": all calls
	Times   int           // number of calls; 0: until ClearFaults
	Delay   time.Duration // in real time, not by the server's clock
	Drop    bool          // close the connection without a response
	Status  int           // such as 500
	Body    string        // any text, such as a proxy's HTML page; Status 0: 200
	Errcode int           // such as -1 for a busy WeChat or 45009 for a used-up quota
}

// AddFault adds a fault. A call gets the first added fault that matches its path.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault returns the fault for a call, and counts it; nil: none.
func (s *Server) nextFault(api string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.API == "" || f.API == api })
	if i < 0 {
		return nil
	}
	f := s.faults[i]
	if f.Times == 1 {
		s.faults = slices.Delete(s.faults, i, i+1)
	} else if f.Times > 1 {
		f.Times--
	}
	return f
}

// apply waits for Delay. It returns the fault's response, or false if the call gets the
// normal one.
func (f *Fault) apply(r *request) (response, bool) {
	if f.Delay > 0 && !sleep.For(r.Context(), f.Delay) {
		return response{drop: true}, true // the caller disconnected
	}
	switch {
	case f.Drop:
		return response{drop: true}, true
	case f.Status != 0 || f.Body != "":
		return response{status: max(f.Status, http.StatusOK), contentType: "text/html", body: []byte(f.Body)}, true
	case f.Errcode != 0:
		return failure(f.Errcode, faultMessage(f.Errcode)), true
	}
	return response{}, false
}

func faultMessage(errcode int) string {
	switch errcode {
	case -1:
		return "system error"
	case 45009:
		return "reach max api daily quota limit"
	}
	return "error by request"
}
