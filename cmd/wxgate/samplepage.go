package main

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
)

// The page is an example of one that a mini program opens in a <web-view>: it sends
// requests with its cookie, opens an event stream and a WebSocket, and has no token.
//
//go:embed samplepage
var samplePage embed.FS

var pageTemplate = template.Must(template.ParseFS(samplePage, "samplepage/page.html"))

// pageData is the data of the page's template. Style and script are inline, so that
// the page is a single call in the playground.
type pageData struct {
	OpenID, Language, Theme, Nonce string
	Style                          template.CSS
	Script                         template.JS
}

// servePage responds with the page for the user in X-OpenID. The playground, which
// has the same origin, may show it in a frame.
func servePage(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	data := pageData{
		OpenID: r.Header.Get("X-OpenID"), Language: query.Get("lang"), Theme: query.Get("theme"), Nonce: rand.Text(),
		Style: template.CSS(sampleFile("page.css")), Script: template.JS(sampleFile("page.mjs")),
	}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, data); err != nil {
		http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; style-src 'nonce-"+data.Nonce+"'; script-src 'nonce-"+data.Nonce+
		"'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page.Bytes())
}

func sampleFile(name string) string {
	content, err := samplePage.ReadFile("samplepage/" + name)
	if err != nil {
		panic(err) // impossible: the file is embedded
	}
	return string(content)
}
