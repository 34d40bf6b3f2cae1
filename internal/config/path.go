package config

import "strings"

// pathFault says what keeps path from being a clean absolute path that every
// parser reads alike; empty: nothing.
func pathFault(path string) string {
	switch {
	case !strings.HasPrefix(path, "/"):
		return "doesn't begin with /"
	case strings.Contains(path, "//"):
		return "has an empty segment (//)"
	case !only(path, isAlphanumeric, "/-._~!$&'()+,=:@"):
		return "has a character other than letters, digits and /-._~!$&'()+,=:@"
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return "has a dot segment"
		}
	}
	return ""
}

// below says whether path is prefix or lies below it, segment by segment.
func below(path, prefix string) bool {
	path, prefix = strings.TrimSuffix(path, "/"), strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// reserved is where the gateway publishes the keys of its assertions.
const reserved = "/.well-known/jwks.json"

func (v *validator) checkAuthPrefix() {
	prefix := v.AuthPrefix
	switch what := pathFault(prefix); {
	case what != "":
		v.errorf("auth_prefix", "%s %s", Quote(prefix), what)
	case prefix == "/":
		v.errorf("auth_prefix", "can't be /: every path would be the gateway's own")
	case strings.HasSuffix(prefix, "/"):
		v.errorf("auth_prefix", "%s ends with /: write %s", Quote(prefix), Quote(strings.TrimRight(prefix, "/")))
	case below(reserved, prefix):
		v.errorf("auth_prefix", "%s takes in %s, which is the gateway's own", Quote(prefix), reserved)
	}
}
