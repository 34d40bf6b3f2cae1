package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/session"
	"wxgate/wechat"
)

// loginTimeout limits one login: at most two calls to WeChat, for the code and for the
// phone, and one to the hook. A login is completed even if its client disconnects: with an
// Idempotency-Key the client may ask for the response again.
const loginTimeout = 30 * time.Second

// tokenResponse is the response of refresh, and a part of login's. Times are in seconds.
type tokenResponse struct {
	Token            string `json:"token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int64  `json:"expires_in"`
	SessionExpiresIn int64  `json:"session_expires_in"`
}

func newTokenResponse(t session.Token) tokenResponse {
	return tokenResponse{t.Value.Reveal(), "Bearer", seconds(t.ExpiresIn), seconds(t.SessionExpiresIn)}
}

// loginResponse is the response of login. Phone is set if the request has a
// phone_code: a phoneResponse, or a phoneError, which doesn't fail the login.
type loginResponse struct {
	tokenResponse
	IsNewUser bool `json:"is_new_user"`
	Phone     any  `json:"phone,omitempty"`
}

// phoneError is the "phone" of a login whose phone_code could not be exchanged.
type phoneError struct {
	Error   apierror.Code `json:"error"`
	Message string        `json:"message"`
}

// login serves POST {auth}/login.
func (h *Handler) login(r *Request) error {
	req, key, err := readLogin(r)
	if err != nil {
		if limited := h.checkLoginLimit(r); limited != nil {
			err = limited
		}
		h.countLoginOutcome("-", err)
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.HTTP.Context()), loginTimeout)
	defer cancel()
	limit, rate := r.loginLimit()
	_, prefetched := r.config.Prefetches[req.AppID]
	response, err := h.Sessions.UseCodeOnce(ctx, session.CodeUse{
		AppID: req.AppID, Code: req.Code, IdempotencyKey: key, PrefetchOn: prefetched, Limit: limit, Rate: rate,
	}, func(ctx context.Context) ([]byte, error) {
		return h.createSession(ctx, r, req)
	})
	h.countLoginOutcome(req.AppID, err)
	if err != nil {
		return err
	}
	writeRawJSON(r, response)
	return nil
}

// createSession exchanges the code with WeChat, calls the login hook and creates the
// session. It returns the response's JSON.
func (h *Handler) createSession(ctx context.Context, r *Request, req loginRequest) ([]byte, error) {
	identity, err := h.WeChat.Login(ctx, req.AppID, req.Code)
	if err != nil {
		return nil, retryableLoginError(err)
	}
	login := session.Login{AppID: req.AppID, OpenID: identity.OpenID, UnionID: identity.UnionID, SessionKey: identity.SessionKey}
	if req.PhoneCode != "" { // a banned user's phone_code must not be used up; Sessions.Login checks the ban again
		if _, err := h.Sessions.CheckBan(ctx, req.AppID, identity.OpenID); err != nil {
			return nil, err
		}
	}
	phone, phoneResult := h.phoneForLogin(ctx, req, identity.OpenID)
	login.Phone = phone
	if err := h.runLoginHook(ctx, r, &login); err != nil {
		return nil, err
	}
	token, s, isNew, err := h.Sessions.Login(ctx, login)
	if err != nil {
		return nil, err
	}
	r.Auth = session.AuthResult{Session: *s} // for the access log
	return json.Marshal(loginResponse{newTokenResponse(token), isNew, phoneResult})
}

// retryableLoginError makes the error of a failed login retryable: the client may send the
// code again. It returns the error unchanged if WeChat has refused the code.
func retryableLoginError(err error) error {
	if errors.Is(err, wechat.ErrInvalidCode) {
		return err
	}
	return session.Retryable(err)
}

// phoneForLogin exchanges a login's phone_code. It returns the number, nil if there is
// none, and the "phone" of the response.
func (h *Handler) phoneForLogin(ctx context.Context, req loginRequest, openid string) (*session.Phone, any) {
	if req.PhoneCode == "" {
		return nil, nil
	}
	phone, err := h.phoneByCode(ctx, req.AppID, openid, req.PhoneCode)
	if err != nil {
		e := apierror.From(err)
		h.Log.Warn("login: the phone number could not be fetched", zap.String("appid", req.AppID), zap.Error(err))
		return nil, phoneError{e.Code, e.Message}
	}
	return &phone, newPhoneResponse(phone)
}

// countLoginOutcome counts a login by its outcome. The appid is "-" if it isn't known.
func (h *Handler) countLoginOutcome(appid string, err error) {
	h.Logins.WithLabelValues(appid, outcome(err)).Inc()
}

// outcome is the metric label of a result: "ok", or the error's code.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return string(apierror.From(err).Code)
}
