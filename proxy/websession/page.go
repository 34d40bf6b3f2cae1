package websession

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The pages are for people who look at a web-view: short, in Chinese and
// English, without scripts, and nothing is loaded for them.
var (
	//go:embed page.html
	pageSource string
	//go:embed page.css
	pageStyle string

	pageTemplate = template.Must(template.New("page").Parse(pageSource))

	// pagePolicy allows the page's own style sheet and, for Confirm, its form.
	pagePolicy = "default-src 'none'; style-src 'sha256-" + styleHash() + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

func styleHash() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Page is what a person is told.
type Page struct {
	Title, TitleEN string
	Text, TextEN   string
	RequestID      string
	Confirm        *Confirm // nil: there is nothing to choose
	Style          template.CSS
}

// Confirm asks before another user's page takes the place of the one that is
// open in this browser.
type Confirm struct {
	Action       string // where the form is sent
	Ticket       string
	Current, New string // how the two users are named
}

// InvalidTicket is the page for a ticket that is not, or no longer, good.
func InvalidTicket(requestID string) Page {
	return Page{
		Title: "链接已失效", TitleEN: "This link is no longer valid",
		Text:      "请返回小程序，重新打开此页面。",
		TextEN:    "Go back to the mini program and open the page again.",
		RequestID: requestID,
	}
}

// SessionEnded is the page for a cookie whose session has ended.
func SessionEnded(requestID string) Page {
	return Page{
		Title: "登录已过期", TitleEN: "You are no longer logged in",
		Text:      "请返回小程序，重新打开此页面。",
		TextEN:    "Go back to the mini program and open the page again.",
		RequestID: requestID,
	}
}

// Unavailable is the page for a store that can't be asked.
func Unavailable(requestID string) Page {
	return Page{
		Title: "暂时无法打开", TitleEN: "Temporarily unavailable",
		Text:      "请稍候再试。",
		TextEN:    "Please try again in a moment.",
		RequestID: requestID,
	}
}

// Ask is the page that asks who is to be logged in.
func Ask(requestID string, c Confirm) Page {
	return Page{
		Title: "切换账号？", TitleEN: "Switch accounts?",
		Text:      "此浏览器中已登录另一位用户。",
		TextEN:    "Another user is logged in in this browser.",
		RequestID: requestID, Confirm: &c,
	}
}

// Write answers with the page. The address that it stands under may hold a
// ticket: of it only the origin is told to other pages. "no-referrer" would make
// the form's own Origin "null".
func (p Page) Write(w http.ResponseWriter, status int) {
	p.Style = template.CSS(pageStyle)
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		body.Reset()
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// acceptsPage reports whether one of the Accept lines asks for HTML.
func acceptsPage(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(strings.ToLower(line), "text/html") })
}
