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

// Limits of a hook's response.
const (
	maxHookResponse = 16 << 10 // bytes
	maxHookMessage  = 200      // characters of a refusal's message, for the client
)

// hookResponse is the JSON of a 200, or, with Message alone, of a 403.
type hookResponse struct {
	UserID  userID   `json:"user_id"`
	Roles   []string `json:"roles"`
	Message string   `json:"message"`
}

// userID is a JSON string or number: backends have both.
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

// readHookResponse reads the hook's response: 200 allows the login, 403 refuses it, which
// is an *apierror.Error, and anything else is another error.
func readHookResponse(res *http.Response) (hookResponse, error) {
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxHookResponse+1))
	if err != nil {
		return hookResponse{}, stripURL(err)
	}
	if len(raw) > maxHookResponse {
		return hookResponse{}, errors.New("the response is too large")
	}
	var response hookResponse
	switch res.StatusCode {
	case http.StatusForbidden:
		_ = json.Unmarshal(raw, &response) // a message is optional
		return hookResponse{}, hookRefusal(response.Message)
	case http.StatusOK:
		if len(bytes.TrimSpace(raw)) == 0 {
			return response, nil
		}
		if err := json.Unmarshal(raw, &response); err != nil {
			return hookResponse{}, errors.New("the response is not a JSON object with user_id and roles")
		}
		return response, response.validate()
	}
	return hookResponse{}, fmt.Errorf("the response has status %d", res.StatusCode)
}

// hookRefusal returns the error for the client, with the hook's message if it is valid.
func hookRefusal(message string) *apierror.Error {
	if message == "" || !httprule.Printable(message) {
		message = "this user may not log in"
	}
	if runes := []rune(message); len(runes) > maxHookMessage {
		message = string(runes[:maxHookMessage])
	}
	return apierror.New(apierror.UserBlocked, message)
}

func (h hookResponse) validate() error {
	if !httprule.ValidUserID(string(h.UserID)) {
		return errors.New("user_id is too long or not printable")
	}
	if len(h.Roles) > httprule.MaxRoles {
		return errors.New("too many roles")
	}
	for _, role := range h.Roles {
		if !httprule.ValidRole(role) {
			return errors.New("a role is empty, too long or not printable")
		}
	}
	return nil
}
