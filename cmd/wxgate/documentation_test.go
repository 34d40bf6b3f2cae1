package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wxgate/internal/config"
)

// documents returns the Markdown files of the repository by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "node_modules" || e.Name() == ".git" || e.Name() == "bin" || e.Name() == "dist"):
			return filepath.SkipDir
		case e.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		found[strings.TrimPrefix(filepath.ToSlash(path), "../../")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 20 {
		t.Fatalf("%d documents found", len(found))
	}
	return found
}

var (
	codeBlock = regexp.MustCompile("(?ms)^( *)```(\\w*)\n(.*?)^ *```$")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	link      = regexp.MustCompile(`\]\(<?([^)\s>]+)>?\)`)
	heading   = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// slugs returns the anchors of a document's headings, as GitHub generates them.
func slugs(text string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		title := link.ReplaceAllString(strings.ReplaceAll(m[1], "[", ""), "")
		slug := strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
		n := 0
		for _, earlier := range all {
			if earlier == slug || strings.HasPrefix(earlier, slug+"-") && regexp.MustCompile(`^-\d+$`).MatchString(strings.TrimPrefix(earlier, slug)) {
				n++
			}
		}
		if n > 0 {
			slug = fmt.Sprintf("%s-%d", slug, n)
		}
		all = append(all, slug)
	}
	return all
}

func TestEveryLinkOfTheDocumentationHasATarget(t *testing.T) {
	t.Parallel()
	all := documents(t)
	checked := 0
	for name, text := range all {
		text = codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") {
				continue // an external link
			}
			checked++
			path := name
			if target != "" {
				path = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			if _, err := os.Stat(filepath.Join("../..", path)); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
			} else if anchor != "" && !slices.Contains(slugs(all[path]), anchor) {
				t.Errorf("%s links to %s, which has no such heading", name, m[1])
			}
		}
	}
	if checked < 50 {
		t.Errorf("%d links checked", checked)
	}
}

// A Chinese document links to the Chinese version of a document if there is one,
// unless the link's text says that it is English.
func TestChineseDocumentsLinkToChineseOnes(t *testing.T) {
	t.Parallel()
	all := documents(t)
	named := regexp.MustCompile(`\[([^\]]*)\]\(([^)#\s]+)[^)]*\)`)
	for name, text := range all {
		if !strings.Contains(name, "zh-CN") {
			continue
		}
		for _, m := range named.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			target := filepath.ToSlash(filepath.Join(filepath.Dir(name), m[2]))
			for _, chinese := range []string{
				strings.Replace(target, "docs/", "docs/zh-CN/", 1), strings.TrimSuffix(target, ".md") + ".zh-CN.md",
			} {
				if _, exists := all[chinese]; exists && chinese != target && m[1] != "English" && m[1] != "英文版" {
					t.Errorf("%s links to %s, whose Chinese version is %s", name, m[2], chinese)
				}
			}
		}
	}
}

// A snippet may leave out the required keys.
func TestEveryConfigSnippetOfTheDocumentationIsValid(t *testing.T) {
	t.Parallel()
	checked := 0
	for name, text := range documents(t) {
		for _, m := range codeBlock.FindAllStringSubmatch(text, -1) {
			if m[2] != "yaml" && m[2] != "yml" || otherPrograms.MatchString(m[3]) {
				continue
			}
			for _, part := range alternatives(unindented(m[3], m[1])) {
				checked++
				if _, err := config.Parse("config.yaml", []byte(withRequiredKeys(part)), placeholderVariable); err != nil {
					t.Errorf("%s: %v in\n%s", name, err, part)
				}
			}
		}
	}
	if checked < 15 {
		t.Errorf("%d snippets checked", checked)
	}
}

// otherPrograms matches configuration files of other programs.
var otherPrograms = regexp.MustCompile(`(?m)^(services|apiVersion|scrape_configs|groups|receivers|resources):`)

func unindented(text, indent string) string {
	return strings.TrimPrefix(strings.ReplaceAll("\n"+text, "\n"+indent, "\n"), "\n")
}

// alternatives splits a snippet that shows alternatives of one key.
func alternatives(text string) []string {
	key, _, _ := strings.Cut(text, ":")
	if strings.Count("\n"+text, "\n"+key+":") < 2 {
		return []string{text}
	}
	var parts []string
	for part := range strings.SplitSeq("\n"+text, "\n"+key+":") {
		if strings.TrimSpace(part) != "" {
			parts = append(parts, key+":"+part)
		}
	}
	return parts
}

// placeholderVariable returns a valid value for each environment variable.
func placeholderVariable(name string) (string, bool) {
	switch {
	case name == "WXGATE_SECRET":
		return validSecret, true
	case strings.Contains(name, "AES_KEY"):
		return "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", true
	}
	return "abcdefgh0123456789ABCDEFGH", true
}

func TestPicturesOfTheDocumentationAreSmall(t *testing.T) {
	t.Parallel()
	const maxBytes = 150 << 10
	pictures, err := filepath.Glob("../../docs/images/*")
	if err != nil || len(pictures) == 0 {
		t.Fatalf("%v: %v", pictures, err)
	}
	for _, p := range pictures {
		if info, err := os.Stat(p); err != nil || info.Size() > maxBytes {
			t.Errorf("%s: %v, %d bytes", p, err, info.Size())
		}
	}
}
