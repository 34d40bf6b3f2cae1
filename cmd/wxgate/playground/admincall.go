package playground

// AdminCall is a call of the private listener, as an operator makes it.
type AdminCall struct {
	RequestID string `json:"request_id"` // of the page's call that caused it
	Method    string `json:"method"`
	Path      string `json:"path"`
	Body      string `json:"body"`
	Status    int    `json:"status"`
	Answer    string `json:"answer"`

	AppID  string `json:"-"` // whose records it changes
	OpenID string `json:"-"`
}

// Admin records a call of the private listener that was answered.
func (r *Recorder) Admin(c AdminCall) {
	r.mu.Lock()
	r.calls++
	number := r.calls
	r.emit(number, kindAdmin, c)
	r.mu.Unlock()
	r.inspectStore(number, person{c.AppID, c.OpenID})
}

// fault records that a switch of the page was pressed.
func (r *Recorder) fault(c faultChange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.emit(r.calls, kindFault, c)
}
