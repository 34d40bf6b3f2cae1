package playground

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"

	"wxgate/miniprogram"
)

//go:embed static
var static embed.FS

// contentSecurityPolicy restricts the page to its own server and to scripts in files,
// and forbids framing.
const contentSecurityPolicy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// page serves the files of the page from memory.
type page map[string]file

type file struct {
	contentType string
	etag        string
	content     string
}

// newPage reads the embedded files: / is index.html, all others are below
// /playground/, including the SDK.
func newPage() page {
	p := page{}
	p.add("/playground/wxgate-miniprogram.mjs", miniprogram.Module())
	entries, err := static.ReadDir("static")
	if err != nil {
		panic(err) // can't happen: the files are embedded
	}
	for _, e := range entries {
		content, err := fs.ReadFile(static, path.Join("static", e.Name()))
		if err != nil {
			panic(err) // can't happen either
		}
		p.add("/playground/"+e.Name(), string(content))
	}
	p["/"] = p["/playground/index.html"]
	delete(p, "/playground/index.html")
	return p
}

func (p page) add(name, content string) {
	sum := sha256.Sum256([]byte(content))
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	p[name] = file{contentTypes[path.Ext(name)], etag, content}
}

// contentTypes are the types by extension. Those of package mime depend on the machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, found := p[r.URL.Path]
	switch {
	case !found:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f.serve(w, r)
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache") // revalidated each time, since another build may be running
	h.Set("ETag", f.etag)
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", fmt.Sprint(len(f.content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte(f.content))
	}
}
