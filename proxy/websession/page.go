package websession

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
)

// The error and confirmation pages for people who look at a web-view: in Chinese and
// English, without scripts, and without external resources.
var (
	//go:embed page.html
	pageSource string
	//go:embed page.css
	pageStyle string

	pageTemplate = template.Must(template.New("page").Parse(pageSource))
)

// Page is a page with a title and a text in both languages.
type Page struct {
	Title, TitleEN string
	Text, TextEN   string
	RequestID      string
	Confirm        *Confirm // nil: without a form
	Style          template.CSS
}

// Confirm is the form to confirm that the session of another user replaces the current
// one in this browser.
type Confirm struct {
	Action       string // the URL of the form
	Ticket       string
	Current, New string // the names of the two users
}

// InvalidTicket returns the page for a ticket that is invalid or has expired.
func InvalidTicket(requestID string) Page {
	return Page{
		Title: "链接已失效", TitleEN: "This link is no longer valid",
		Text:      "请返回小程序，重新打开此页面。",
		TextEN:    "Go back to the mini program and open the page again.",
		RequestID: requestID,
	}
}

// SessionEnded returns the page for a cookie whose session has ended.
func SessionEnded(requestID string) Page {
	return Page{
		Title: "登录已过期", TitleEN: "You are no longer logged in",
		Text:      "请返回小程序，重新打开此页面。",
		TextEN:    "Go back to the mini program and open the page again.",
		RequestID: requestID,
	}
}

// Unavailable returns the page for a store that can't be reached.
func Unavailable(requestID string) Page {
	return Page{
		Title: "暂时无法打开", TitleEN: "Temporarily unavailable",
		Text:      "请稍候再试。",
		TextEN:    "Please try again in a moment.",
		RequestID: requestID,
	}
}

// SwitchAccount returns the page with the form of c.
func SwitchAccount(requestID string, c Confirm) Page {
	return Page{
		Title: "切换账号？", TitleEN: "Switch accounts?",
		Text:      "此浏览器中已登录另一位用户。",
		TextEN:    "Another user is logged in in this browser.",
		RequestID: requestID, Confirm: &c,
	}
}

// Write sends the page.
func (p Page) Write(w http.ResponseWriter, status int) {
	p.Style = template.CSS(pageStyle)
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		body.Reset()
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	setSecurityHeaders(h)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
