package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/session"
	"wxgate/wechat"
)

// loginTime bounds one login: WeChat asked twice at most, for the code and the
// phone, and the hook. A login goes on without its client: with an
// Idempotency-Key the client may come back for the answer.
const loginTime = 30 * time.Second

// loginRequest is the body of POST {auth}/login.
type loginRequest struct {
	Code      string `json:"code"`
	AppID     string `json:"appid"`
	PhoneCode string `json:"phone_code"`
}

// tokenResponse is the answer of login and refresh; times in seconds.
type tokenResponse struct {
	Token            string `json:"token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int64  `json:"expires_in"`
	SessionExpiresIn int64  `json:"session_expires_in"`
}

func newTokenResponse(t session.Token) tokenResponse {
	return tokenResponse{t.Value.Reveal(), "Bearer", seconds(t.ExpiresIn), seconds(t.SessionExpiresIn)}
}

// loginResponse is the answer of login. Phone is there where a phone_code came:
// the number, or what went wrong with it, which does not undo the login.
type loginResponse struct {
	tokenResponse
	IsNewUser bool `json:"is_new_user"`
	Phone     any  `json:"phone,omitempty"`
}

// phoneError stands in a login's "phone" where the number could not be had.
type phoneError struct {
	Error   apierror.Code `json:"error"`
	Message string        `json:"message"`
}

// login answers POST {auth}/login.
func (h *Handler) login(r *Request) error {
	req, key, err := h.readLogin(r)
	if err != nil {
		if limited := h.countAgainstLoginLimit(r); limited != nil {
			err = limited
		}
		h.countLoginOutcome("-", err)
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.HTTP.Context()), loginTime)
	defer cancel()
	limit, rate := r.loginLimit()
	_, prefetched := r.config.Prefetches[req.AppID]
	answer, err := h.Sessions.UseCodeOnce(ctx, session.CodeUse{
		AppID: req.AppID, Code: req.Code, IdempotencyKey: key, PrefetchOn: prefetched, Limit: limit, Rate: rate,
	}, func(ctx context.Context) ([]byte, error) {
		return h.createSession(ctx, r, req)
	})
	h.countLoginOutcome(req.AppID, err)
	if err != nil {
		return err
	}
	writeRawJSON(r, answer)
	return nil
}

// readLogin checks everything that can be checked before WeChat is asked.
func (h *Handler) readLogin(r *Request) (req loginRequest, key string, err error) {
	if err := readJSON(r, &req); err != nil {
		return req, "", err
	}
	if !wechat.ValidCode(req.Code) || req.PhoneCode != "" && !wechat.ValidCode(req.PhoneCode) {
		return req, "", apierror.New(apierror.BadRequest, "code is missing, or is no code of wx.login")
	}
	if req.AppID, err = r.config.selectApp(req.AppID, r.HTTP.Header.Get("Referer")); err != nil {
		return req, "", err
	}
	key, err = idempotencyKey(r.HTTP.Header["Idempotency-Key"])
	return req, key, err
}

// selectApp says which app the login is for: the one named, else the one that
// the WeChat client's Referer names, else the only one.
func (c *Config) selectApp(named, referer string) (string, error) {
	hinted := appFromReferer(referer)
	switch {
	case named != "" && !slices.Contains(c.Apps, named):
		return "", apierror.New(apierror.BadRequest, "this appid is not served here")
	case named != "" && hinted != "" && hinted != named:
		return "", apierror.New(apierror.BadRequest, "appid and Referer name different apps")
	case named != "":
		return named, nil
	case slices.Contains(c.Apps, hinted):
		return hinted, nil
	case len(c.Apps) == 1:
		return c.Apps[0], nil
	}
	return "", apierror.New(apierror.BadRequest, "appid is missing")
}

// appFromReferer reads the appid out of the Referer that the WeChat client sends,
// https://servicewechat.com/{appid}/{version}/page-frame.html. It is a hint:
// anyone can send it.
func appFromReferer(referer string) string {
	u, err := url.Parse(referer)
	if err != nil || u.Scheme != "https" || u.Host != "servicewechat.com" {
		return ""
	}
	app, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return app
}

// idempotencyKey reads the header: none, or 16 to 128 printable characters.
func idempotencyKey(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	valid := len(values) == 1 && len(key) >= 16 && len(key) <= 128 &&
		!strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c >= 0x7f })
	if !valid {
		return "", apierror.New(apierror.BadRequest, "Idempotency-Key must be 16 to 128 printable characters")
	}
	return key, nil
}

// createSession takes the code to WeChat, asks the hook, and opens the session. It
// gives the answer's JSON.
func (h *Handler) createSession(ctx context.Context, r *Request, req loginRequest) ([]byte, error) {
	who, err := h.WeChat.Login(ctx, req.AppID, req.Code)
	if err != nil {
		return nil, allowRetry(err)
	}
	login := session.Login{AppID: req.AppID, OpenID: who.OpenID, UnionID: who.UnionID, SessionKey: who.SessionKey}
	if req.PhoneCode != "" { // which a banned user's login would use up; without one Login refuses him
		if _, err := h.Sessions.CheckBan(ctx, req.AppID, who.OpenID); err != nil {
			return nil, err
		}
	}
	phone, told := h.phoneForLogin(ctx, req, who.OpenID)
	login.Phone = phone
	if err := h.runLoginHook(ctx, r, &login); err != nil {
		return nil, err
	}
	token, s, isNew, err := h.Sessions.Login(ctx, login)
	if err != nil {
		return nil, err
	}
	r.Auth = session.AuthResult{Session: *s} // for the access log
	return json.Marshal(loginResponse{newTokenResponse(token), isNew, told})
}

// allowRetry lets a code be tried again where WeChat may not have used it up.
func allowRetry(err error) error {
	if errors.Is(err, wechat.ErrInvalidCode) {
		return err
	}
	return session.Retryable(err)
}

// phoneForLogin gets the number for a login's phone_code: the number, and what
// the client is told of it.
func (h *Handler) phoneForLogin(ctx context.Context, req loginRequest, openid string) (*session.Phone, any) {
	if req.PhoneCode == "" {
		return nil, nil
	}
	phone, err := h.phoneByCode(ctx, req.AppID, openid, req.PhoneCode)
	if err != nil {
		f := apierror.From(err)
		h.Log.Warn("a login's phone number could not be had", zap.String("appid", req.AppID), zap.Error(err))
		return nil, phoneError{f.Code, f.Message}
	}
	return &phone, newPhoneResponse(phone)
}

// countLoginOutcome counts outcomes; a bad request is counted too, under "-" where
// its app is not known.
func (h *Handler) countLoginOutcome(appid string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = string(apierror.From(err).Code)
	}
	h.Logins.WithLabelValues(appid, outcome).Inc()
}
