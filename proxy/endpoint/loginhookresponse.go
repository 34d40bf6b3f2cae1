package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// Bounds of a hook's answer.
const (
	maxHookResponse = 16 << 10
	maxHookMessage  = 200 // runes of a refusal's message that reach the client
)

// hookResponse is what it may answer with 200; Message comes with a 403.
type hookResponse struct {
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

// readHookResponse: 200 is a yes, 403 the hook's own no, anything else a failure.
func readHookResponse(res *http.Response) (hookResponse, error) {
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxHookResponse+1))
	if err != nil {
		return hookResponse{}, withoutURL(err)
	}
	if len(raw) > maxHookResponse {
		return hookResponse{}, errors.New("the answer is too large")
	}
	var answer hookResponse
	switch res.StatusCode {
	case http.StatusForbidden:
		_ = json.Unmarshal(raw, &answer)
		return hookResponse{}, refusalByHook(answer.Message)
	case http.StatusOK:
		if len(bytes.TrimSpace(raw)) == 0 {
			return answer, nil
		}
		if err := json.Unmarshal(raw, &answer); err != nil {
			return hookResponse{}, errors.New("the answer is not the JSON that it should be")
		}
		return answer, answer.check()
	}
	return hookResponse{}, fmt.Errorf("the answer has status %d", res.StatusCode)
}

func refusalByHook(message string) *apierror.Error {
	if message == "" || !httprule.Printable(message) {
		message = "this user may not log in"
	}
	if runes := []rune(message); len(runes) > maxHookMessage {
		message = string(runes[:maxHookMessage])
	}
	return apierror.New(apierror.UserBlocked, message)
}

func (a hookResponse) check() error {
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
