package wechat

import "sync"

// userShare limits one user to a share of the slots of a bulkhead: one in 32, counting
// the calls that wait. A user who repeats a call must not delay the calls of others.
const userShare = 32

// userCalls limits each user's calls that have or wait for a slot.
type userCalls struct {
	limit int // for each user
	mu    sync.Mutex
	count map[string]int // by app and openid
}

func newUserCalls(slots int) *userCalls {
	return &userCalls{limit: max(slots/userShare, 1), count: map[string]int{}}
}

// acquire counts a call of the user, and reports whether it is within the limit. Only
// then must it be released.
func (u *userCalls) acquire(user string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count[user] >= u.limit {
		return false
	}
	u.count[user]++
	return true
}

func (u *userCalls) release(user string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count[user]--; u.count[user] == 0 {
		delete(u.count, user)
	}
}

func (c *Client) acquireUser(a *app, call apiCall) (release func(), err error) {
	if call.user == "" {
		return func() {}, nil
	}
	user := a.ID + " " + call.user
	if !c.userCalls.acquire(user) {
		return nil, tooManyCallsOfUser(call.api)
	}
	return func() { c.userCalls.release(user) }, nil
}
