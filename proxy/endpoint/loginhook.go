package endpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/session"
)

// Hook is the login hook: a backend that maps an openid to the backend's own user, or
// refuses the login. The zero value: no hook.
type Hook struct {
	URL     string
	Timeout time.Duration // of the whole call

	// AllowOnError allows logins, without user_id and roles, while the hook fails. Else
	// they are refused.
	AllowOnError bool

	Client *http.Client // see NewBackendClient
}

// hookRequest is the JSON that is sent to the hook.
type hookRequest struct {
	AppID     string `json:"appid"`
	OpenID    string `json:"openid"`
	UnionID   string `json:"unionid,omitempty"`
	Phone     string `json:"phone,omitempty"`
	IsNewUser bool   `json:"is_new_user"`
	IP        string `json:"ip"`
}

// runLoginHook calls the hook, which sets the login's user_id and roles or refuses it.
func (h *Handler) runLoginHook(ctx context.Context, r *Request, login *session.Login) error {
	hook := &r.config.Hook
	if hook.URL == "" {
		return nil
	}
	response, err := h.callHook(ctx, r, hook, login)
	var refusal *apierror.Error
	switch {
	case err == nil:
		login.UserID, login.Roles = string(response.UserID), response.Roles
		return nil
	case errors.As(err, &refusal):
		return refusal
	case hook.AllowOnError:
		h.Log.Warn("login hook failed, login allowed", zap.Error(err), zap.String("request_id", r.ID))
		return nil
	}
	return apierror.New(apierror.UpstreamError, "the login could not be checked, try again").WithCause(fmt.Errorf("login hook: %w", err))
}

func (h *Handler) callHook(ctx context.Context, r *Request, hook *Hook, login *session.Login) (hookResponse, error) {
	body, err := h.hookBody(ctx, r, login)
	if err != nil {
		return hookResponse{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, hook.Timeout)
	defer cancel()
	req, err := h.newHookRequest(ctx, hook, body, login)
	if err != nil {
		return hookResponse{}, err
	}
	req.Header.Set("X-Request-ID", r.ID)
	res, err := hook.Client.Do(req)
	if err != nil {
		return hookResponse{}, stripURL(err)
	}
	defer res.Body.Close()
	return readHookResponse(res)
}

// hookBody returns what is sent to the hook. is_new_user may be true for both of two
// concurrent first logins; in the response to the client it is exact.
func (h *Handler) hookBody(ctx context.Context, r *Request, login *session.Login) (hookRequest, error) {
	body := hookRequest{AppID: login.AppID, OpenID: login.OpenID, UnionID: login.UnionID, IP: r.ClientText}
	user, err := h.Sessions.CheckBan(ctx, login.AppID, login.OpenID)
	if err != nil {
		return body, apierror.From(err)
	}
	body.Phone, body.IsNewUser = user.Phone.Number, user.IsNew
	if login.Phone != nil {
		body.Phone = login.Phone.Number
	}
	return body, nil
}

// newHookRequest makes the HTTP request, with an assertion that the hook can verify.
func (h *Handler) newHookRequest(ctx context.Context, hook *Hook, body hookRequest, login *session.Login) (*http.Request, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(encoded))
	if err != nil {
		return nil, stripURL(err)
	}
	assertion, err := h.Sessions.AssertHook(*login, httprule.LoginHookAudience)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+assertion)
	return req, nil
}
