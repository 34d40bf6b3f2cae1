package config

import (
	"fmt"
	"regexp"
	"strings"
)

// asciiOf are the full-width characters of Chinese keyboards that look like
// YAML's own.
var asciiOf = strings.NewReplacer(
	"：", ":", "，", ",", "、", ",", "“", `"`, "”", `"`, "＂", `"`, "「", `"`, "」", `"`, "‘", "'", "’", "'", "＇", "'",
	"｛", "{", "｝", "}", "［", "[", "］", "]", "【", "[", "】", "]", "－", "-", "＃", "#", "\u3000", " ",
)

// fullWidth says which full-width character a line has and what to write;
// empty: it has none outside of its comment.
func fullWidth(line string) string {
	for _, c := range withoutComment(line) {
		if ascii := asciiOf.Replace(string(c)); ascii != string(c) {
			return fmt.Sprintf("the line has a full-width %q: write %q", c, ascii)
		}
	}
	return ""
}

// withoutComment cuts a comment off, as far as that can be told without
// reading quotes: # behind white space.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

var noSpaceBehindColon = regexp.MustCompile(`^\s*(?:- +)?([A-Za-z_]+):[^\s/]`)

// syntaxHint looks for what people do wrong around the line at which the library
// gave up, which is often the line behind or in front of it. It shows keys only:
// values may be secrets.
func syntaxHint(lines []string, line int) (at int, hint string) {
	for _, at := range []int{line, line + 1, line - 1} {
		if at < 1 || at > len(lines) {
			continue
		}
		text := lines[at-1]
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if strings.Contains(indent, "\t") {
			return at, "the line is indented by a tab: write spaces"
		}
		if what := fullWidth(text); what != "" {
			return at, what
		}
		if key := noSpaceBehindColon.FindStringSubmatch(text); key != nil {
			return at, fmt.Sprintf("write a space behind the colon of %s:", key[1])
		}
	}
	return indentationHint(lines, line)
}

// indentationHint finds the first line, up to the one behind line, that is
// indented like no mapping around it.
func indentationHint(lines []string, line int) (at int, hint string) {
	open := []int{}
	opens := true // the line above may have a mapping below it
	for i := 0; i <= line && i < len(lines); i++ {
		text := strings.TrimRight(withoutComment(lines[i]), " ")
		content := strings.TrimLeft(text, " ")
		if content == "" || content == "---" {
			continue
		}
		indent := len(text) - len(content)
		closed := len(open)
		for closed > 0 && open[closed-1] > indent {
			closed--
		}
		switch known := closed > 0 && open[closed-1] == indent; {
		case known:
		case closed < len(open):
			return i + 1, fmt.Sprintf("the line is indented by %s, which is neither that of the keys above nor of their parent: write %s", spaces(indent), spaces(open[closed]))
		case !opens && len(open) > 0:
			return i + 1, fmt.Sprintf("the line is indented by %s, deeper than the line above, which holds a value: write %s", spaces(indent), spaces(open[closed-1]))
		}
		open = append(open[:closed:closed], indent)
		if rest := strings.TrimLeft(strings.TrimPrefix(content, "-"), " "); strings.HasPrefix(content, "- ") {
			open = append(open, indent+len(content)-len(rest)) // the keys of a list's entry
		}
		opens = strings.HasSuffix(content, ":") || strings.HasSuffix(content, "-") || strings.HasSuffix(content, "|") || strings.HasSuffix(content, ">") ||
			strings.ContainsAny(content, "{[\"'")
	}
	return 0, ""
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
