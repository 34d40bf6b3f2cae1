package playground

// AdminCall is an operator's call of the private listener.
type AdminCall struct {
	RequestID string `json:"request_id"` // of the page's call that caused it
	Method    string `json:"method"`
	Path      string `json:"path"`
	Body      string `json:"body"`
	Status    int    `json:"status"`
	Response  string `json:"response"`

	AppID  string `json:"-"` // the user whose records it changes
	OpenID string `json:"-"`
}

// Admin records a completed call of the private listener.
func (r *Recorder) Admin(c AdminCall) {
	r.mu.Lock()
	r.calls++
	number := r.calls
	r.emit(number, kindAdmin, c)
	r.mu.Unlock()
	r.inspectStore(number, userKey{c.AppID, c.OpenID})
}

// fault records a change of a switch.
func (r *Recorder) fault(c faultChange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.emit(r.calls, kindFault, c)
}
