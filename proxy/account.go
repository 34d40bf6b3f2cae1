package proxy

import (
	"context"
	"net/http"

	"wxgate/apierror"
	"wxgate/session"
	"wxgate/wechat"
)

// refresh answers POST {auth}/refresh: a fresh token for the same session. The
// old one stays good until its own end, so that two refreshes at once do no harm.
func (g *Gateway) refresh(x *exchange, _ *state) error {
	if _, err := g.caller(x); err != nil {
		return err
	}
	token, err := g.Sessions.Renew(x.r.Context(), x.grant)
	if err != nil {
		return err
	}
	return writeJSON(x, newTokenAnswer(token))
}

// logout answers POST {auth}/logout: 204 once the session, or with
// {"all": true} every session of the user, has ended everywhere.
func (g *Gateway) logout(x *exchange, _ *state) error {
	s, err := g.caller(x)
	if err != nil {
		return err
	}
	var req struct {
		All bool `json:"all"`
	}
	if err := readOptionalJSON(x, &req); err != nil {
		return err
	}
	ctx := context.WithoutCancel(x.r.Context()) // half a logout helps nobody
	if req.All {
		_, err = g.Sessions.EndAll(ctx, s.AppID, s.OpenID, session.CauseLogoutAll)
	} else {
		_, err = g.Sessions.End(ctx, s.ID, session.CauseLogout)
	}
	if err != nil {
		return err
	}
	x.Header().Set("Cache-Control", "no-store")
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// sessionAnswer is the answer of GET {auth}/session; times in seconds.
type sessionAnswer struct {
	AppID            string     `json:"appid"`
	ExpiresIn        int64      `json:"expires_in"`
	SessionExpiresIn int64      `json:"session_expires_in"`
	User             userAnswer `json:"user"`
}

type userAnswer struct {
	UserID    string `json:"user_id,omitempty"`
	Nickname  string `json:"nickname,omitempty"`
	AvatarURL string `json:"avatar_url,omitempty"`
	Phone     string `json:"phone,omitempty"`
}

// showSession answers GET {auth}/session.
func (g *Gateway) showSession(x *exchange, st *state) error {
	s, user, err := g.callerProfile(x)
	if err != nil {
		return err
	}
	now := st.now()
	return writeJSON(x, sessionAnswer{
		AppID:            s.AppID,
		ExpiresIn:        seconds(x.grant.ExpiresAt.Sub(now)),
		SessionExpiresIn: seconds(g.Sessions.Remaining(s)),
		User:             userAnswer{s.UserID, user.Profile.Nickname, user.Profile.AvatarURL, user.Phone.Number},
	})
}

// phoneAnswer is how a phone number is told.
type phoneAnswer struct {
	Number      string `json:"phone_number"`
	PureNumber  string `json:"pure_phone_number"`
	CountryCode string `json:"country_code"`
}

func newPhoneAnswer(p session.Phone) phoneAnswer {
	return phoneAnswer{p.Number, p.PureNumber, p.CountryCode}
}

// phoneRequest is the body of POST {auth}/phone: a code, or the old way.
type phoneRequest struct {
	Code          string `json:"code"`
	EncryptedData string `json:"encrypted_data"`
	IV            string `json:"iv"`
}

// bindPhone answers POST {auth}/phone.
func (g *Gateway) bindPhone(x *exchange, _ *state) error {
	s, err := g.renewingCaller(x)
	if err != nil {
		return err
	}
	var req phoneRequest
	if err := readJSON(x, &req); err != nil {
		return err
	}
	phone, err := g.phoneOf(x.r.Context(), s, req)
	if err != nil {
		return err
	}
	if err := g.Sessions.SetPhone(context.WithoutCancel(x.r.Context()), s, phone); err != nil {
		return err
	}
	return writeJSON(x, newPhoneAnswer(phone))
}

func (g *Gateway) phoneOf(ctx context.Context, s *session.Session, req phoneRequest) (session.Phone, error) {
	byCode, byData := req.Code != "", req.EncryptedData != "" || req.IV != ""
	switch {
	case byCode == byData:
		return session.Phone{}, apierror.New(apierror.BadRequest, "send either code, or encrypted_data and iv")
	case byData:
		return g.decryptPhone(ctx, s, req)
	case !wechat.ValidCode(req.Code):
		return session.Phone{}, apierror.New(apierror.BadRequest, "code is no code of the phone button")
	}
	// WeChat must know whose code it should be, else one user could bind another's number.
	phone, err := g.WeChat.Phone(context.WithoutCancel(ctx), s.AppID, s.OpenID, req.Code)
	return session.Phone(phone), err
}

// decryptPhone opens what the phone button gave before it gave codes.
func (g *Gateway) decryptPhone(ctx context.Context, s *session.Session, req phoneRequest) (session.Phone, error) {
	key, err := g.Sessions.SessionKey(ctx, s)
	if err != nil {
		return session.Phone{}, err
	}
	phone, err := g.WeChat.DecryptPhone(ctx, s.AppID, s.OpenID, key, req.EncryptedData, req.IV)
	return session.Phone(phone), err
}

// check answers POST {auth}/check: whether WeChat still holds the session_key.
func (g *Gateway) check(x *exchange, _ *state) error {
	s, err := g.renewingCaller(x)
	if err != nil {
		return err
	}
	key, err := g.Sessions.SessionKey(x.r.Context(), s)
	if err != nil {
		return err
	}
	valid, err := g.WeChat.CheckSession(x.r.Context(), s.AppID, s.OpenID, key)
	if err != nil {
		return err
	}
	return writeJSON(x, map[string]bool{"valid": valid})
}
