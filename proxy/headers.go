package proxy

import (
	"net/http"
	"net/textproto"
	"strings"

	"wxgate/apierror"
)

// headerRules says which headers pass between client and backend. A header
// that may carry identity is only ever set by the gateway: everything else
// under its name is left behind, on every route, in both directions.
//
// Names are looked up in their canonical form (textproto.CanonicalMIMEHeaderKey),
// which is how net/http keys what it read.
type headerRules struct {
	request  map[string]struct{} // never passed on from a client
	proxied  map[string]struct{} // passed on from a trusted proxy only
	response map[string]struct{} // never passed on from a backend
}

// hopByHop ends at each hop (RFC 9110, section 7.6.1, with the older names
// that are still met).
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings",
}

// otherIdentities are names under which other gateways tell identity: a
// backend that was moved here may still believe them. The gateway's own
// default names are among them, whatever the configured ones are.
var otherIdentities = []string{
	"Authorization", "X-Openid", "X-Unionid", "X-Appid", "X-User-Id", "X-User-Roles",
	"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "X-Userinfo", "X-Endpoint-Api-Userinfo",
	"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
	"X-Forwarded-Access-Token", "X-Forwarded-Client-Cert", "X-Credential-Identifier", "X-Anonymous-Consumer",
	"X-Mse-Consumer", "X-Token-Claim", "X-Gateway-Jwt", "X-Arr-Clientcert", "Proxy",
}

// identityFamilies begin such names where there are many.
var identityFamilies = [...]string{
	"X-Wx-", "X-Auth-Request-", "X-Authenticated-", "X-Authentik-", "X-Remote-User", "X-Remote-Group", "X-Remote-Extra-",
	"X-Consumer-", "X-Pomerium-", "X-Goog-Iap-", "X-Goog-Authenticated-", "X-Amzn-Oidc-", "X-Ms-Client-Principal", "X-Ms-Token-",
	"X-Webauth-", "X-Vouch-", "X-Jwt-", "X-Ssl-", "X-Client-Cert", "X-Client-Dn", "X-Client-Verify",
	"Cf-Access-", "Tailscale-User-", "Ssl-", "Client-Cert",
}

// forwardedFamily is what proxies tell about the request they got. It is the
// gateway's to say; the rest passes only where a trusted proxy sent it.
var forwardedFamily = []string{
	"Forwarded", "X-Forwarded", "X-Scheme", "X-Url-Scheme", "Front-End-Https",
	"X-Host", "X-Http-Host-Override", "X-Proxyuser-Ip", "X-Proxy-Url", "X-Script-Name", "X-Request-Uri",
	"True-Client-Ip", "Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "X-Client-Ip", "X-Cluster-Client-Ip",
	"Fastly-Client-Ip", "X-Appengine-User-Ip", "X-Azure-Clientip", "X-Envoy-External-Address", "X-Remote-Ip",
	"X-Remote-Addr", "Client-Ip", "Ali-Cdn-Real-Ip", "Wl-Proxy-Client-Ip", "Proxy-Client-Ip", "Baggage",
}

// forwardedFamilies begin more of these names.
var forwardedFamilies = [...]string{"X-Forwarded-", "X-Original-", "X-Rewrite-"}

// gatewayOwn is what the gateway alone sets towards a backend.
var gatewayOwn = []string{
	"X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", requestIDHeader,
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Method",
	apierror.Header, SessionTokenHeader, "Content-Length", "Host", "Idempotency-Replayed",
}

func newHeaderRules(id Identity) *headerRules {
	own := id.names()
	return &headerRules{
		request:  headerSet(hopByHop, otherIdentities, gatewayOwn, own),
		proxied:  headerSet(forwardedFamily),
		response: headerSet(hopByHop, own, []string{apierror.Header, SessionTokenHeader, requestIDHeader}),
	}
}

func headerSet(lists ...[]string) map[string]struct{} {
	set := map[string]struct{}{}
	for _, list := range lists {
		for _, name := range list {
			set[textproto.CanonicalMIMEHeaderKey(name)] = struct{}{}
		}
	}
	return set
}

// fromClient copies what a client may tell a backend. Value slices are shared:
// nobody changes one in place. The map has room for the gateway's own.
func (hr *headerRules) fromClient(in http.Header, trusted bool) *outHeader {
	out := &outHeader{make(http.Header, len(in)+7), make([]string, 0, 10)}
	for name, values := range in {
		if hr.passes(name, trusted) {
			out.Header[name] = values
		}
	}
	for _, name := range connectionListed(in) {
		delete(out.Header, name)
	}
	return out
}

// passes is the rule for a header or trailer that a client sent.
func (hr *headerRules) passes(name string, trusted bool) bool {
	if !plainName(name) || startsWithOne(name, identityFamilies[:]) {
		return false
	}
	if _, gone := hr.request[name]; gone {
		return false
	}
	if _, limited := hr.proxied[name]; limited || startsWithOne(name, forwardedFamilies[:]) {
		return trusted
	}
	return true
}

func startsWithOne(name string, families []string) bool {
	for _, family := range families {
		if strings.HasPrefix(name, family) {
			return true
		}
	}
	return false
}

// fromBackend reports whether a backend's header or trailer reaches the client.
func (hr *headerRules) fromBackend(name string) bool {
	if _, gone := hr.response[name]; gone {
		return false
	}
	return !strings.HasPrefix(name, "X-Wx-Openid") && !strings.HasPrefix(name, "X-Wx-Unionid")
}

// trails reports whether a field may come behind a body. Those that say how a
// message is to be read, whom it is from or what is to be kept may not (RFC
// 9110, section 6.5.1): servers that merge trailers into the header would
// believe them.
func trails(name string) bool {
	switch name {
	case "Cookie", "Set-Cookie", "Location", "Origin", "Referer", "Range", "Cache-Control", "Expect":
		return false
	}
	return !strings.HasPrefix(name, "Content-")
}

// plainName reports whether a name holds letters, digits and, between them,
// hyphens only. Backends fold "_" and "." (CGI, PHP, WSGI) and even others into
// one another.
func plainName(name string) bool {
	if name == "" || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' {
			continue
		}
		return false
	}
	return true
}

// connectionListed gives the canonical names that the Connection header
// declares hop-by-hop. What the gateway sets is set afterwards, so that a
// client can't make it vanish this way.
func connectionListed(h http.Header) []string {
	var listed []string
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			if token = textproto.TrimString(token); token != "" && !strings.EqualFold(token, "keep-alive") {
				listed = append(listed, textproto.CanonicalMIMEHeaderKey(token))
			}
		}
	}
	return listed
}
