package main

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
)

// The page is one that a team would open in a <web-view>: it acts by cookie, opens
// an event stream and a WebSocket, and has no token.
//
//go:embed samplepage
var samplePage embed.FS

var pageTemplate = template.Must(template.ParseFS(samplePage, "samplepage/page.html"))

// pageData is what the page is made of. Style and script stand in it, so that the
// playground shows one call for it.
type pageData struct {
	OpenID, Language, Theme, Nonce string
	Style                          template.CSS
	Script                         template.JS
}

// servePage answers with the page for the user whom the gateway names. The
// playground, which is of the same origin, may show it in a frame.
func servePage(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	data := pageData{
		OpenID: r.Header.Get("X-OpenID"), Language: query.Get("lang"), Theme: query.Get("theme"), Nonce: rand.Text(),
		Style: template.CSS(sampleFile("page.css")), Script: template.JS(sampleFile("page.mjs")),
	}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, data); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
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
		panic(err) // embedded, so it is there
	}
	return string(content)
}
