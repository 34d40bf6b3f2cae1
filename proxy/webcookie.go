package proxy

import (
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"wxgate/internal/fieldlist"
)

// stripWebCookie removes the web session's cookie from the outbound request: a backend
// must not get a credential.
func (rs *requestState) stripWebCookie(h *outboundHeader) {
	if !rs.config.Web.enabled() || !h.Has("Cookie") {
		return
	}
	rest := rs.config.Web.Cookie.Strip(h.Values("Cookie"))
	h.Delete("Cookie")
	h.setNonEmpty("Cookie", rest)
}

// stripSetWebCookie removes a Set-Cookie for the web session's cookie from a response: a
// backend must not set it.
func (rs *requestState) stripSetWebCookie(h *fieldlist.List) {
	if !rs.config.Web.enabled() {
		return
	}
	*h = slices.DeleteFunc(*h, func(f fieldlist.Field) bool {
		return fieldlist.SameName(f.Name, "Set-Cookie") && rs.config.Web.Cookie.SetBy(f.Value)
	})
}

// maxSentCookies limits the number of sessions in sentCookies.
const maxSentCookies = 20_000

// sentCookies records when this instance last sent the cookie of a web session. The cookie
// is sent again after an eighth of its Max-Age, so that a page in use stays logged in.
type sentCookies struct {
	sentAt *otter.Cache[string, time.Time]
}

func newSentCookies() sentCookies {
	return sentCookies{sentAt: otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxSentCookies})}
}

// renewalDue reports whether the session's cookie must be sent with this response, and
// records that it is.
func (c sentCookies) renewalDue(sid string, now time.Time, maxAge time.Duration) bool {
	if at, ok := c.sentAt.GetIfPresent(sid); ok && now.Sub(at) < maxAge/8 {
		return false
	}
	c.sentAt.Set(sid, now)
	return true
}
