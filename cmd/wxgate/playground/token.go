package playground

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// credentialPattern finds tokens of the gateway and assertions, and behind their names
// tickets and cookies of web pages.
var credentialPattern = regexp.MustCompile(
	`(eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)|((?:ticket|` + WebCookie + `)(?:=|":"))([A-Za-z0-9_.-]{20,})`)

// shorten leaves the ends of each credential: enough to recognise it, too little to use it.
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

// person is a user of an app.
type person struct{ appid, openid string }

// personOf reads the user whom a token names. It doesn't verify it: the answer only
// chooses what a developer is shown of his own machine.
func personOf(token string) person {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return person{}
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return person{}
	}
	var claims struct {
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return person{}
	}
	return person{claims.Audience, claims.Subject}
}

func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// tokenIn reads the token out of a login's answer.
func tokenIn(body []byte) string {
	var login struct {
		Token string `json:"token"`
	}
	_ = json.Unmarshal(body, &login) // else there is none
	return login.Token
}
