package main

// spoofedOpenID is the identity that attacks try to assume.
const spoofedOpenID = "oADMIN"

// attack is a request, byte by byte.
type attack struct {
	name       string
	path       string // HOST stands for the backend's host
	header     string // further header lines, each with CRLF
	connection string // appended to Connection: close
	trailer    string // trailer lines; not empty: the request is a chunked POST
	token      bool   // sent with alice's token
}

// identityAttacks try to set an identity on a route without authentication. Each is also
// sent with alice's token, to replace her identity.
var identityAttacks = []attack{
	{name: "X-OpenID", header: "X-OpenID: oADMIN\r\n"},
	{name: "x-openid, twice", header: "x-openid: oADMIN\r\nX-OPENID: oADMIN\r\n"},
	{name: "X_OpenID", header: "X_OpenID: oADMIN\r\n"},
	{name: "X-OpenID and X_OpenID", header: "X-OpenID: o1\r\nX_OpenID: oADMIN\r\n"},
	{name: "X.OpenID", header: "X.OpenID: oADMIN\r\n"},
	{name: "x_openid, x.openid", header: "x_openid: oADMIN\r\nx.openid: oADMIN\r\n"},
	{name: "X~OpenID", header: "X~OpenID: oADMIN\r\n"},
	{name: "X-OpenID with a blank before the colon", header: "X-OpenID : oADMIN\r\n"},
	{name: "X-OpenID in a folded line", header: "X-Other: 1\r\n X-OpenID: oADMIN\r\n"},
	{name: "X-OpenID behind a bare LF", header: "X-Other: 1\nX-OpenID: oADMIN\r\n"},
	{name: "X-OpenID behind a bare CR", header: "X-Other: 1\rX-OpenID: oADMIN\r\n"},
	{name: "Connection: X-OpenID", header: "X-OpenID: oADMIN\r\n", connection: ", X-OpenID"},
	{name: "Connection: x_openid", header: "X_OpenID: oADMIN\r\n", connection: ", x_openid"},
	{name: "trailer X-OpenID", header: "Trailer: X-OpenID\r\n", trailer: "X-OpenID: oADMIN\r\n"},
	{name: "trailer X_OpenID", header: "Trailer: X_OpenID\r\n", trailer: "X_OpenID: oADMIN\r\n"},
	{name: "trailer X-OpenID, unannounced", trailer: "X-OpenID: oADMIN\r\n"},
}

// pathAttacks try to reach /api/admin/secret, which requires a role: from the route
// without authentication, and as alice, who doesn't have the role.
var pathAttacks = []attack{
	{name: "/public/../api/admin", path: "/public/../api/admin/secret"},
	{name: "%2e%2e", path: "/public/%2e%2e/api/admin/secret"},
	{name: ".%2E", path: "/public/.%2E/api/admin/secret"},
	{name: "..%2f", path: "/public/..%2fapi/admin/secret"},
	{name: "..%2F, twice", path: "/public/x%2F..%2F..%2Fapi%2Fadmin%2Fsecret"},
	{name: `..\`, path: `/public/..\api\admin\secret`},
	{name: "..%5c", path: "/public/..%5capi/admin/secret"},
	{name: "..;", path: "/public/..;/api/admin/secret"},
	{name: "..;x=1", path: "/public/..;x=1/api/admin/secret"},
	{name: "%2e%2e;", path: "/public/%2e%2e;/api/admin/secret"},
	{name: "//", path: "/public//../api/admin/secret"},
	{name: "// at the start", path: "//api/admin/secret"},
	{name: "/./", path: "/./api/admin/secret"},
	{name: "%252e%252e, encoded twice", path: "/public/%252e%252e/api/admin/secret"},
	{name: "%c0%ae, overlong", path: "/public/%c0%ae%c0%ae/api/admin/secret"},
	{name: "NUL", path: "/public/..%00/api/admin/secret"},
	{name: "# in the path", path: "/public/#/../../api/admin/secret"},
	{name: "absolute form", path: "http://HOST/public/../api/admin/secret"},
	{name: "as alice: /api//admin", path: "/api//admin/secret", token: true},
	{name: "as alice: /api/./admin", path: "/api/./admin/secret", token: true},
	{name: "as alice: /api/x/../admin", path: "/api/x/../admin/secret", token: true},
	{name: "as alice: /api/x;/../admin", path: "/api/x;/../admin/secret", token: true},
	{name: "as alice: /api/;/admin", path: "/api/;/admin/secret", token: true},
	{name: "as alice: /api/admin;x/secret", path: "/api/admin;x/secret", token: true},
	{name: "as alice: /api/admin;x", path: "/api/admin;x", token: true},
	{name: "as alice: /api/admin%3bx/secret", path: "/api/admin%3bx/secret", token: true},
	{name: "as alice: /api/admin%2fsecret", path: "/api/admin%2fsecret", token: true},
	{name: "as alice: /api%2fadmin/secret", path: "/api%2fadmin/secret", token: true},
	{name: "as alice: /api/%61dmin/secret", path: "/api/%61dmin/secret", token: true},
	{name: "as alice: /api/admin%00/secret", path: "/api/admin%00/secret", token: true},
	{name: `as alice: /api\admin`, path: `/api\admin\secret`, token: true},
	{name: "as alice: X-Original-URL", path: "/api/me", header: "X-Original-URL: /api/admin/secret\r\nX-Rewrite-URL: /api/admin/secret\r\n", token: true},
}

// unambiguousPaths are unusual, but every parser reads them alike: the gateway forwards
// them, and the backend must see the same path as the gateway.
var unambiguousPaths = []string{
	"/public/a%20b", "/public/%E4%B8%AD%E6%96%87", "/public/%61%2D%7e", "/public/a+b", "/public/a:b@c,d!$&'()*=e",
	"/public/...", "/public/.well-known/x", "/public/a?x=/../../api/admin/secret", "/public/a?x=%2e%2e%2f;/..//", "/public/a;v=1",
}

// identityRequests returns each identity attack twice: without a token at the open route,
// and with alice's token at the authenticated one.
func identityRequests() []attack {
	var all []attack
	for _, a := range identityAttacks {
		a.path = "/public/page"
		all = append(all, a)
		a.name, a.path, a.token = "as alice: "+a.name, "/api/me", true
		all = append(all, a)
	}
	return all
}
