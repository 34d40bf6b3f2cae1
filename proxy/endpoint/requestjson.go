package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"wxgate/apierror"
)

// readJSON decodes the request's body, one JSON object, into v. Unknown fields
// are ignored: an SDK may be newer than the gateway. The error is a 400.
func readJSON(r *Request, v any) error {
	raw, err := io.ReadAll(r.HTTP.Body)
	if err != nil {
		return err
	}
	return decodeJSON(raw, v)
}

// readOptionalJSON is readJSON for calls whose body may be empty. A body that was
// cut short is an error, even if nothing of it has arrived.
func readOptionalJSON(r *Request, v any) error {
	raw, err := io.ReadAll(r.HTTP.Body)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	return decodeJSON(raw, v)
}

func decodeJSON(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return apierror.New(apierror.BadRequest, describeJSONError(err)).WithCause(err)
	}
	return nil
}

// describeJSONError describes a decoding error without repeating what was sent.
func describeJSONError(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return "the field " + wrong.Field + " has the wrong type"
	}
	return "the body must be one JSON object"
}
