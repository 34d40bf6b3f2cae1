package endpoint

import (
	"errors"
	"strings"
	"testing"

	"wxgate/apierror"
)

func TestJSONErrorsRepeatNothingOfTheBody(t *testing.T) {
	t.Parallel()
	var req struct {
		Code string `json:"code"`
	}
	for _, body := range []string{`{"code": 4711}`, `{"code": "se`, `secret`, `["secret"]`} {
		var e *apierror.Error
		if err := decodeJSON([]byte(body), &req); !errors.As(err, &e) || e.Code != apierror.BadRequest || strings.Contains(e.Message, "4711") || strings.Contains(e.Message, "secret") {
			t.Errorf("%s: %v", body, err)
		}
	}
}
