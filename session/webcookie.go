package session

import "context"

func (d *secretKeys) cookieMAC(text []byte) []byte { return d.webMAC("token", string(text))[:16] }

// AuthenticateCookie is Authenticate for the cookie of a web session. A cookie is
// never accepted as a token, nor a token as a cookie.
func (s *Store) AuthenticateCookie(ctx context.Context, cookie string) (AuthResult, error) {
	return s.authenticate(ctx, cookie, hashToken("cookie "+cookie), (*tokens).readCookie)
}

func (t *tokens) readCookie(cookie string) (tokenClaims, error) {
	if len(cookie) != opaqueLength || countDots(cookie) != 1 {
		return tokenClaims{}, ErrTokenInvalid
	}
	return t.readOpaque(cookie, (*secretKeys).cookieMAC)
}
