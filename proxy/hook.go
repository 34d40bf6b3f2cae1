package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// Bounds of a hook's answer.
const (
	maxHookAnswer = 16 << 10
	maxHookReason = 200 // runes of a refusal's message that reach the client
)

// hookRequest is what the hook is told.
type hookRequest struct {
	AppID     string `json:"appid"`
	OpenID    string `json:"openid"`
	UnionID   string `json:"unionid,omitempty"`
	Phone     string `json:"phone,omitempty"`
	IsNewUser bool   `json:"is_new_user"`
	IP        string `json:"ip"`
}

// hookAnswer is what it may answer with 200; Message comes with a 403.
type hookAnswer struct {
	UserID  userID   `json:"user_id"`
	Roles   []string `json:"roles"`
	Message string   `json:"message"`
}

// userID takes a JSON string or a number: legacy backends have both.
type userID string

func (u *userID) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		*u = userID(text)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(raw, &number); err != nil {
		return errors.New("user_id is neither a string nor a number")
	}
	*u = userID(number)
	return nil
}

// NewHookClient makes the client that asks the hook: no redirects, no proxy
// from the environment.
func NewHookClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// askHook lets the hook add user_id and roles to the login, or refuse it.
func (st *state) askHook(ctx context.Context, x *exchange, login *session.Login) error {
	if st.Hook.URL == "" {
		return nil
	}
	answer, err := st.callHook(ctx, x, login)
	var refusal *apierror.Error
	switch {
	case err == nil:
		login.UserID, login.Roles = string(answer.UserID), answer.Roles
		return nil
	case errors.As(err, &refusal):
		return refusal
	case st.Hook.AllowOnError:
		st.log.Warn("the login hook failed, the user was let in", zap.Error(err), zap.String("request_id", x.id))
		return nil
	}
	return apierror.New(apierror.UpstreamError, "the login could not be checked, try again").Because(fmt.Errorf("login hook: %w", err))
}

func (st *state) callHook(ctx context.Context, x *exchange, login *session.Login) (hookAnswer, error) {
	question, err := st.hookQuestion(ctx, x, login)
	if err != nil {
		return hookAnswer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, st.Hook.Timeout)
	defer cancel()
	req, err := st.hookCall(ctx, question, login)
	if err != nil {
		return hookAnswer{}, err
	}
	req.Header.Set("X-Request-ID", x.id)
	res, err := st.Hook.Client.Do(req)
	if err != nil {
		return hookAnswer{}, withoutURL(err)
	}
	defer res.Body.Close()
	return readHookAnswer(res)
}

// hookQuestion gathers what the hook is told. is_new_user may be true for two
// logins that race; the client's answer is exact.
func (st *state) hookQuestion(ctx context.Context, x *exchange, login *session.Login) (hookRequest, error) {
	q := hookRequest{AppID: login.AppID, OpenID: login.OpenID, UnionID: login.UnionID, IP: x.clientText}
	user, err := st.sessions.User(ctx, login.AppID, login.OpenID)
	switch {
	case errors.Is(err, session.ErrNotFound):
		q.IsNewUser = true
	case err != nil:
		return q, apierror.From(err)
	default:
		q.Phone = user.Phone.Number
		q.IsNewUser = user.FirstLogin.IsZero() // known only for having been banned
	}
	if login.Phone != nil {
		q.Phone = login.Phone.Number
	}
	return q, nil
}

func (st *state) hookCall(ctx context.Context, q hookRequest, login *session.Login) (*http.Request, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, st.Hook.URL, bytes.NewReader(body))
	if err != nil {
		return nil, withoutURL(err)
	}
	assertion, err := st.sessions.AssertHook(*login, httprule.LoginHookAudience)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+assertion)
	return req, nil
}

// readHookAnswer: 200 is a yes, 403 the hook's own no, anything else a failure.
func readHookAnswer(res *http.Response) (hookAnswer, error) {
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxHookAnswer+1))
	if err != nil {
		return hookAnswer{}, withoutURL(err)
	}
	if len(raw) > maxHookAnswer {
		return hookAnswer{}, errors.New("the answer is too large")
	}
	var answer hookAnswer
	switch res.StatusCode {
	case http.StatusForbidden:
		_ = json.Unmarshal(raw, &answer)
		return hookAnswer{}, hookRefusal(answer.Message)
	case http.StatusOK:
		if len(bytes.TrimSpace(raw)) == 0 {
			return answer, nil
		}
		if err := json.Unmarshal(raw, &answer); err != nil {
			return hookAnswer{}, errors.New("the answer is not the JSON that it should be")
		}
		return answer, answer.check()
	}
	return hookAnswer{}, fmt.Errorf("the answer has status %d", res.StatusCode)
}

func hookRefusal(message string) *apierror.Error {
	if message == "" || !httprule.Printable(message) {
		message = "this user may not log in"
	}
	if runes := []rune(message); len(runes) > maxHookReason {
		message = string(runes[:maxHookReason])
	}
	return apierror.New(apierror.UserBlocked, message)
}

func (a hookAnswer) check() error {
	if !httprule.ValidUserID(string(a.UserID)) {
		return errors.New("user_id is too long or can't be printed")
	}
	if len(a.Roles) > httprule.MaxRoles {
		return errors.New("too many roles")
	}
	for _, role := range a.Roles {
		if !httprule.ValidRole(role) {
			return errors.New("a role is empty, too long or can't be printed")
		}
	}
	return nil
}

// withoutURL strips the URL off an error of net/http: it may hold secrets.
func withoutURL(err error) error {
	var located *url.Error
	if errors.As(err, &located) {
		return located.Err
	}
	return err
}
