// Package console is the page of the private listener: a look at the gateway, its users
// and its audit trail. It holds no secret; all that it shows comes from the API, with the
// token that an operator gives it.
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

// Path is where the page lies.
const Path = "/console/"

// contentSecurityPolicy lets the page load from here and from nowhere else, run no
// code that isn't a file of its own, send no form, and be framed by nobody. Whatever a
// user calls himself can't become markup: the page sets text only, and the browser
// refuses anything else.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// header is what every answer under Path has.
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

// contentTypes of the files, whatever the machine thinks of their names.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// New takes the files that are embedded.
func New() Page {
	p := Page{map[string]file{}}
	entries, err := static.ReadDir("static")
	if err != nil {
		panic(err) // embedded, so it is there
	}
	for _, e := range entries {
		content, err := fs.ReadFile(static, path.Join("static", e.Name()))
		if err != nil {
			panic(err) // likewise
		}
		p.files[Path+e.Name()] = file{contentTypes[path.Ext(e.Name())], string(content)}
	}
	p.files[Path] = p.files[Path+"index.html"]
	delete(p.files, Path+"index.html")
	return p
}

// Redirect answers /console with where the page is.
func Redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, Path, http.StatusPermanentRedirect)
}

// Serve answers GET and HEAD below Path. It returns an error for a file that is not
// there.
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
	_, _ = w.Write([]byte(f.content)) // net/http sends none of it to HEAD
	return nil
}
