// Package console serves the web page of the private listener, which shows the gateway,
// its users and its audit trail. The page contains no data: it calls the private
// listener's API with the token that an operator enters.
package console

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strconv"

	"wxgate/apierror"
)

//go:embed static
var static embed.FS

// Path is the URL path of the page.
const Path = "/console/"

// contentSecurityPolicy allows resources of this origin only, no inline code, no form
// submission and no framing. Trusted Types without any policy make the browser refuse
// markup from scripts: a user's nickname can't become HTML.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// header is set on every response under Path.
var header = [][2]string{
	{"Content-Security-Policy", contentSecurityPolicy},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cache-Control", "no-store"},
}

// Page serves the files from memory.
type Page struct{ files map[string]file }

type file struct{ contentType, content string }

// contentTypes are set by extension, independent of the machine's MIME tables.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// New loads the embedded files.
func New() Page {
	p := Page{map[string]file{}}
	entries, err := static.ReadDir("static")
	if err != nil {
		panic(err) // impossible: the directory is embedded
	}
	for _, e := range entries {
		content, err := fs.ReadFile(static, path.Join("static", e.Name()))
		if err != nil {
			panic(err) // impossible: the file is embedded
		}
		p.files[Path+e.Name()] = file{contentTypes[path.Ext(e.Name())], string(content)}
	}
	p.files[Path] = p.files[Path+"index.html"]
	delete(p.files, Path+"index.html")
	return p
}

// Redirect redirects /console to Path.
func Redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, Path, http.StatusPermanentRedirect)
}

// Serve handles GET and HEAD below Path. It returns a not_found error for a file that
// does not exist.
func (p Page) Serve(w http.ResponseWriter, r *http.Request) error {
	f, found := p.files[r.URL.Path]
	if !found {
		return apierror.New(apierror.NotFound, "the console has no such file")
	}
	h := w.Header()
	for _, line := range header {
		h.Set(line[0], line[1])
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(f.content)))
	_, _ = w.Write([]byte(f.content)) // net/http discards it for HEAD
	return nil
}
