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
	maxHookAnswer = 16 << 10
	maxHookReason = 200 // runes of a refusal's message that reach the client
)

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
