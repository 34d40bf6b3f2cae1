package wechattest

import (
	"net/http"
	"slices"
	"time"

	"wxgate/internal/sleep"
)

// Fault is an injected fault. What is set happens, in this order: the call waits
// for Delay, its connection is dropped, or it gets Status and Body, or it gets
// Errcode. With Delay alone it is answered properly afterwards.
type Fault struct {
	API     string        // the path it applies to; "" every one
	Times   int           // how many calls; 0: until ClearFaults
	Delay   time.Duration // real time, not the server's clock
	Drop    bool          // close the connection without an answer
	Status  int           // such as 500
	Body    string        // with or without a Status: any text, such as a proxy's HTML page
	Errcode int           // such as -1 for a busy WeChat or 45009 for a used-up quota
}

// AddFault injects a fault into calls from now on. Of several, the first added
// that matches is used.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault gives the fault that applies to this call, nil for none.
func (s *Server) takeFault(api string) *Fault {
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

// apply injects the fault, and reports whether the call is answered by it.
func (f *Fault) apply(r *request) (response, bool) {
	if f.Delay > 0 && !sleep.For(r.Context(), f.Delay) {
		return response{drop: true}, true // the caller is gone
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
