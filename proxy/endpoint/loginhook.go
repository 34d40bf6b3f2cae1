package endpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/session"
)

// Hook is the login hook: a backend that maps an openid to its own user, or
// refuses the login. The zero value is none.
type Hook struct {
	URL     string
	Timeout time.Duration // the whole call
	// AllowOnError lets users in, without user_id and roles, while the hook
	// fails; else the login is refused.
	AllowOnError bool
	Client       *http.Client
}

// hookRequest is what the hook is told.
type hookRequest struct {
	AppID     string `json:"appid"`
	OpenID    string `json:"openid"`
	UnionID   string `json:"unionid,omitempty"`
	Phone     string `json:"phone,omitempty"`
	IsNewUser bool   `json:"is_new_user"`
	IP        string `json:"ip"`
}

// NewBackendClient makes the client that asks the hook: no redirects, no proxy
// from the environment.
func NewBackendClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// runLoginHook lets the hook add user_id and roles to the login, or refuse it.
func (h *Handler) runLoginHook(ctx context.Context, r *Request, login *session.Login) error {
	hook := &r.config.Hook
	if hook.URL == "" {
		return nil
	}
	answer, err := h.sendHookRequest(ctx, r, hook, login)
	var refusal *apierror.Error
	switch {
	case err == nil:
		login.UserID, login.Roles = string(answer.UserID), answer.Roles
		return nil
	case errors.As(err, &refusal):
		return refusal
	case hook.AllowOnError:
		h.Log.Warn("the login hook failed, the user was let in", zap.Error(err), zap.String("request_id", r.ID))
		return nil
	}
	return apierror.New(apierror.UpstreamError, "the login could not be checked, try again").WithCause(fmt.Errorf("login hook: %w", err))
}

func (h *Handler) sendHookRequest(ctx context.Context, r *Request, hook *Hook, login *session.Login) (hookResponse, error) {
	question, err := h.hookRequest(ctx, r, login)
	if err != nil {
		return hookResponse{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, hook.Timeout)
	defer cancel()
	req, err := h.hookCall(ctx, hook, question, login)
	if err != nil {
		return hookResponse{}, err
	}
	req.Header.Set("X-Request-ID", r.ID)
	res, err := hook.Client.Do(req)
	if err != nil {
		return hookResponse{}, withoutURL(err)
	}
	defer res.Body.Close()
	return readHookResponse(res)
}

// hookRequest gathers what the hook is told. is_new_user may be true for two
// logins that race; the client's answer is exact.
func (h *Handler) hookRequest(ctx context.Context, r *Request, login *session.Login) (hookRequest, error) {
	q := hookRequest{AppID: login.AppID, OpenID: login.OpenID, UnionID: login.UnionID, IP: r.ClientText}
	known, err := h.Sessions.CheckBan(ctx, login.AppID, login.OpenID)
	if err != nil {
		return q, apierror.From(err)
	}
	q.Phone, q.IsNewUser = known.Phone.Number, known.IsNew
	if login.Phone != nil {
		q.Phone = login.Phone.Number
	}
	return q, nil
}

func (h *Handler) hookCall(ctx context.Context, hook *Hook, q hookRequest, login *session.Login) (*http.Request, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return nil, withoutURL(err)
	}
	assertion, err := h.Sessions.AssertHook(*login, httprule.LoginHookAudience)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+assertion)
	return req, nil
}

// withoutURL strips the URL off an error of net/http: it may hold secrets.
func withoutURL(err error) error {
	var located *url.Error
	if errors.As(err, &located) {
		return located.Err
	}
	return err
}
