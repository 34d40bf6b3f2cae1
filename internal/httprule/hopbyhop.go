package httprule

import (
	"net/textproto"
	"strings"
)

// hopByHop headers apply to one connection (RFC 9110, section 7.6.1, and older
// names that are still in use).
var hopByHop = [...]string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings",
}

// ConnectionOptions returns the canonical names that the lines of a Connection
// header declare hop-by-hop (RFC 9110, section 7.6.1). "close" is included,
// "keep-alive" is not.
func ConnectionOptions(lines []string) []string {
	var listed []string
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			if token = textproto.TrimString(token); token != "" && !strings.EqualFold(token, "keep-alive") {
				listed = append(listed, textproto.CanonicalMIMEHeaderKey(token))
			}
		}
	}
	return listed
}
