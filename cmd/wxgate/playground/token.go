package playground

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// jwtPattern finds tokens of the gateway, and assertions.
var jwtPattern = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)

// shorten leaves of each token what tells it from another, and is of no use.
func shorten(text string) string {
	return jwtPattern.ReplaceAllStringFunc(text, func(token string) string {
		return token[:6] + "…" + token[len(token)-6:]
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

// personOf reads whom a token names. It doesn't verify it: the answer only
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
