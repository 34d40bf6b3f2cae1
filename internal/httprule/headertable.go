package httprule

// prefixClass is the class of every name that begins with prefix.
type prefixClass struct {
	prefix string
	class  Class
}

// otherIdentities are the exact names of class OtherIdentity. They include the
// gateway's own default names, whichever are configured.
var otherIdentities = [...]string{
	"Authorization", "X-Openid", "X-Unionid", "X-Appid", "X-User-Id", "X-User-Roles",
	"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "X-Userinfo", "X-Endpoint-Api-Userinfo",
	"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
	"X-Forwarded-Access-Token", "X-Forwarded-Client-Cert", "X-Credential-Identifier", "X-Anonymous-Consumer",
	"X-Mse-Consumer", "X-Token-Claim", "X-Gateway-Jwt", "X-Arr-Clientcert", "Proxy",
	"X-Anyservice-Authorization", "X-Tt-Openid", "X-Tt-Unionid", "X-Tt-Appid", "X-Tt-Anonymous-Openid",
}

// forwardedVendor are the names that CDNs, load balancers and older frameworks
// use for the client's address, scheme and host.
var forwardedVendor = [...]string{
	"X-Scheme", "X-Url-Scheme", "Front-End-Https",
	"X-Host", "X-Http-Host-Override", "X-Proxyuser-Ip", "X-Proxy-Url", "X-Script-Name", "X-Request-Uri",
	"True-Client-Ip", "Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "X-Client-Ip", "X-Cluster-Client-Ip",
	"Fastly-Client-Ip", "X-Appengine-User-Ip", "X-Azure-Clientip", "X-Envoy-External-Address", "X-Remote-Ip",
	"X-Remote-Addr", "Client-Ip", "Ali-Cdn-Real-Ip", "Wl-Proxy-Client-Ip", "Proxy-Client-Ip", "Baggage",
}

// common names are Ordinary; listing them saves the scan of the prefixes.
var common = [...]string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Encoding", "Content-Type", "Date", "Etag",
	"If-Modified-Since", "If-None-Match", "Last-Modified", "Location", "Origin", "Pragma", "Range", "Referer", "Server",
	"Sec-Ch-Ua", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Traceparent", "Tracestate", "User-Agent", "Vary", "X-Powered-By",
}

// requestPrefixes classify the request headers whose names are not listed.
var requestPrefixes = [...]prefixClass{
	{"X-Wx-", Identity},
	{"X-Forwarded-", Forwarded}, {"X-Original-", Forwarded}, {"X-Rewrite-", Forwarded},
	{"Sec-Websocket-", Controlled},

	{"X-Cloudbase-", OtherIdentity}, {"X-Scf-", OtherIdentity}, {"X-Fc-", OtherIdentity},
	{"X-Auth-Request-", OtherIdentity}, {"X-Authenticated-", OtherIdentity}, {"X-Authentik-", OtherIdentity},
	{"X-Remote-User", OtherIdentity}, {"X-Remote-Group", OtherIdentity}, {"X-Remote-Extra-", OtherIdentity},
	{"X-Consumer-", OtherIdentity}, {"X-Pomerium-", OtherIdentity},
	{"X-Goog-Iap-", OtherIdentity}, {"X-Goog-Authenticated-", OtherIdentity}, {"X-Amzn-Oidc-", OtherIdentity},
	{"X-Ms-Client-Principal", OtherIdentity}, {"X-Ms-Token-", OtherIdentity},
	{"X-Webauth-", OtherIdentity}, {"X-Vouch-", OtherIdentity}, {"X-Jwt-", OtherIdentity},
	{"X-Ssl-", OtherIdentity}, {"X-Client-Cert", OtherIdentity}, {"X-Client-Dn", OtherIdentity}, {"X-Client-Verify", OtherIdentity},
	{"Cf-Access-", OtherIdentity}, {"Tailscale-User-", OtherIdentity}, {"Ssl-", OtherIdentity}, {"Client-Cert", OtherIdentity},
}

// responsePrefixes classify the response headers whose names are not listed. The
// client must not see identity headers that a backend echoes.
var responsePrefixes = [...]prefixClass{
	{"X-Wx-Openid", Identity}, {"X-Wx-Unionid", Identity}, {"Sec-Websocket-", Controlled},
}

func requestClasses() map[string]Class {
	t := map[string]Class{}
	add(t, Ordinary, common[:])
	add(t, ForwardedVendor, forwardedVendor[:])
	add(t, OtherIdentity, otherIdentities[:])
	add(t, Forwarded, []string{"Forwarded", "X-Forwarded"})
	add(t, Gateway, gatewayRequest[:])
	add(t, Connection, hopByHop[:])
	add(t, Connection, []string{"Content-Length", "Host"})
	add(t, Controlled, []string{"Cookie", "Expect"})
	return t
}

func responseClasses() map[string]Class {
	t := map[string]Class{}
	add(t, Ordinary, common[:])
	add(t, Gateway, gatewayResponse[:])
	add(t, Connection, hopByHop[:])
	add(t, Controlled, []string{"Content-Length", "Set-Cookie"})
	return t
}

func add(table map[string]Class, class Class, names []string) {
	for _, name := range names {
		table[name] = class
	}
}
