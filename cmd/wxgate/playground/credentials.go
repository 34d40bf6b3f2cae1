package playground

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// credentialPattern matches tokens of the gateway, assertions, and tickets and cookies of
// web pages after their names.
var credentialPattern = regexp.MustCompile(
	`(eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)|((?:ticket|` + WebCookie + `)(?:=|":"))([A-Za-z0-9_.-]{20,})`)

// shorten keeps six characters at both ends of each credential: enough to recognise it, too
// little to use it.
func shorten(text string) string {
	return credentialPattern.ReplaceAllStringFunc(text, func(found string) string {
		m := credentialPattern.FindStringSubmatch(found)
		credential := m[1] + m[3]
		return m[2] + credential[:6] + "…" + credential[len(credential)-6:]
	})
}

func shortenHeader(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, v := range values {
			out[name] = append(out[name], shorten(v))
		}
	}
	return out
}

// userKey identifies a user of an app.
type userKey struct{ appid, openid string }

// userOf returns the user in a token. It doesn't verify the token: the result only
// selects which data of the developer's own machine is shown.
func userOf(token string) userKey {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return userKey{}
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return userKey{}
	}
	var claims struct {
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return userKey{}
	}
	return userKey{claims.Audience, claims.Subject}
}

func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// tokenIn returns the token in the response to a login, or "".
func tokenIn(body []byte) string {
	var login struct {
		Token string `json:"token"`
	}
	_ = json.Unmarshal(body, &login) // else there is none
	return login.Token
}
