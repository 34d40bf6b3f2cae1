package config

import (
	"fmt"
	"regexp"
	"strings"
)

// fullWidthToASCII maps the full-width punctuation of Chinese input methods to
// the YAML characters that it looks like.
var fullWidthToASCII = strings.NewReplacer(
	"：", ":", "，", ",", "、", ",", "“", `"`, "”", `"`, "＂", `"`, "「", `"`, "」", `"`, "‘", "'", "’", "'", "＇", "'",
	"｛", "{", "｝", "}", "［", "[", "］", "]", "【", "[", "】", "]", "－", "-", "＃", "#", "\u3000", " ",
)

// fullWidthHint says which full-width character a line has and what to write
// instead; "" if it has none outside of its comment.
func fullWidthHint(line string) string {
	for _, c := range withoutComment(line) {
		if ascii := fullWidthToASCII.Replace(string(c)); ascii != string(c) {
			return fmt.Sprintf("the line has a full-width %q: write %q", c, ascii)
		}
	}
	return ""
}

// withoutComment removes a comment, which begins with # at the beginning of the
// line or after white space. It ignores quotes.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

var noSpaceAfterColon = regexp.MustCompile(`^\s*(?:- +)?([A-Za-z_]+):[^\s/]`)

// syntaxHint looks for common mistakes near the line at which the library stopped:
// the mistake is often on the next or the previous line. It returns the line of
// the mistake, and 0 if it found none. The hint shows keys only: values may be
// secrets.
func syntaxHint(lines []string, line int) (hintLine int, hint string) {
	for _, number := range []int{line, line + 1, line - 1} {
		if number < 1 || number > len(lines) {
			continue
		}
		text := lines[number-1]
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if strings.Contains(indent, "\t") {
			return number, "the line is indented by a tab: write spaces"
		}
		if what := fullWidthHint(text); what != "" {
			return number, what
		}
		if key := noSpaceAfterColon.FindStringSubmatch(text); key != nil {
			return number, fmt.Sprintf("write a space after the colon of %s:", key[1])
		}
	}
	return indentationHint(lines, line)
}

// indentationHint finds the first line, up to the one after line, whose
// indentation is that of no mapping around it.
func indentationHint(lines []string, line int) (hintLine int, hint string) {
	open := []int{}        // indentations of the mappings around the line, outermost first
	mayContainKeys := true // the line above may have a mapping below it
	for i := 0; i <= line && i < len(lines); i++ {
		text := strings.TrimRight(withoutComment(lines[i]), " ")
		content := strings.TrimLeft(text, " ")
		if content == "" || content == "---" {
			continue
		}
		indent := len(text) - len(content)
		depth := len(open)
		for depth > 0 && open[depth-1] > indent {
			depth--
		}
		switch {
		case depth > 0 && open[depth-1] == indent:
		case depth < len(open):
			return i + 1, fmt.Sprintf("the line is indented by %s, which is neither that of the keys above nor of their parent: write %s", spaces(indent), spaces(open[depth]))
		case !mayContainKeys && len(open) > 0:
			return i + 1, fmt.Sprintf("the line is indented by %s, deeper than the line above, which holds a value: write %s", spaces(indent), spaces(open[depth-1]))
		}
		open = append(open[:depth:depth], indent)
		if rest := strings.TrimLeft(strings.TrimPrefix(content, "-"), " "); strings.HasPrefix(content, "- ") {
			open = append(open, indent+len(content)-len(rest)) // the keys of a list's entry
		}
		mayContainKeys = opensBlock(content)
	}
	return 0, ""
}

// opensBlock reports whether deeper indented lines may follow a line: its key has
// no value, or its value is a block scalar or may continue on the next line.
func opensBlock(content string) bool {
	return strings.HasSuffix(content, ":") || strings.HasSuffix(content, "-") || strings.HasSuffix(content, "|") || strings.HasSuffix(content, ">") ||
		strings.ContainsAny(content, "{[\"'")
}

func spaces(n int) string {
	switch n {
	case 0:
		return "no space"
	case 1:
		return "1 space"
	}
	return fmt.Sprintf("%d spaces", n)
}
