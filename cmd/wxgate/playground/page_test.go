package playground

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestThePageLoadsOnlyFromItsOwnServer(t *testing.T) {
	t.Parallel()
	p := newPage()
	for name := range p {
		got := get(p, name, nil)
		policy := got.Header().Get("Content-Security-Policy")
		if got.Code != http.StatusOK || got.Body.Len() == 0 {
			t.Errorf("%s: %d with %d bytes", name, got.Code, got.Body.Len())
		}
		for directive := range strings.SplitSeq(policy, ";") {
			for _, source := range strings.Fields(directive)[1:] {
				if source != "'self'" && source != "'none'" && source != "'script'" {
					t.Errorf("%s: %s", name, directive)
				}
			}
		}
		if !strings.HasPrefix(policy, "default-src 'self';") {
			t.Errorf("%s: policy %q", name, policy)
		}
		if got.Header().Get("X-Content-Type-Options") != "nosniff" || got.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %v", name, got.Header())
		}
	}
}

func TestNoFileNamesAnotherServer(t *testing.T) {
	t.Parallel()
	elsewhere := regexp.MustCompile(`(?i)\b(https?|wss?):|["'(]//|@import`)
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script[^>]*>[^<]|javascript:|innerHTML|insertAdjacent|\beval\(`)
	err := fs.WalkDir(static, "static", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(static, name)
		if err != nil {
			return err
		}
		content := strings.ReplaceAll(string(text), `xmlns="http://www.w3.org/2000/svg"`, "")
		if found := elsewhere.FindString(content); found != "" {
			t.Errorf("%s has %q", name, found)
		}
		if found := inline.FindString(content); found != "" {
			t.Errorf("%s has %q, which the policy forbids", name, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEachFileThatThePageNamesExists(t *testing.T) {
	t.Parallel()
	p := newPage()
	named := regexp.MustCompile(`(?:from |href=|src=)['"]([^'"]+)['"]`)
	for name, f := range p {
		for _, found := range named.FindAllStringSubmatch(f.content, -1) {
			target := strings.Replace(found[1], "./", "/playground/", 1)
			if _, there := p[target]; !there {
				t.Errorf("%s names %s", name, found[1])
			}
		}
	}
}

func TestACachedFileIsNotSentAgain(t *testing.T) {
	t.Parallel()
	p := newPage()
	etag := get(p, "/", nil).Header().Get("ETag")
	again := get(p, "/", http.Header{"If-None-Match": {etag}})
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%d with %d bytes", again.Code, again.Body.Len())
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/playground/", "/playground/index.html", "/playground/../page.go", "/playground/static/app.mjs"} {
		if got := get(newPage(), path, nil).Code; got != http.StatusNotFound {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func get(h http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Path = path
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
