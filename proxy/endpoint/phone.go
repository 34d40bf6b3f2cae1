package endpoint

import (
	"context"
	"errors"

	"wxgate/apierror"
	"wxgate/session"
	"wxgate/wechat"
)

// phoneResponse is the response of POST {auth}/phone.
type phoneResponse struct {
	Number      string `json:"phone_number"`
	PureNumber  string `json:"pure_phone_number"`
	CountryCode string `json:"country_code"`
}

func newPhoneResponse(p session.Phone) phoneResponse {
	return phoneResponse{p.Number, p.PureNumber, p.CountryCode}
}

// phoneRequest is the body of POST {auth}/phone: a code, or the encrypted data that
// older WeChat clients send instead.
type phoneRequest struct {
	Code          string `json:"code"`
	EncryptedData string `json:"encrypted_data"`
	IV            string `json:"iv"`
}

// setPhone serves POST {auth}/phone: it stores the number in the user's record.
func (h *Handler) setPhone(r *Request) error {
	s, err := h.authenticateAndRenew(r)
	if err != nil {
		return err
	}
	var req phoneRequest
	if err := readJSON(r, &req); err != nil {
		return err
	}
	phone, err := h.readPhone(r.HTTP.Context(), s, req)
	if err != nil {
		return err
	}
	if err := h.Sessions.SetPhone(context.WithoutCancel(r.HTTP.Context()), s, phone); err != nil {
		return err
	}
	return writeJSON(r, newPhoneResponse(phone))
}

// readPhone returns the number by the request's code or encrypted data.
func (h *Handler) readPhone(ctx context.Context, s *session.Session, req phoneRequest) (session.Phone, error) {
	byCode, byData := req.Code != "", req.EncryptedData != "" || req.IV != ""
	switch {
	case byCode == byData:
		return session.Phone{}, apierror.New(apierror.BadRequest, "send either code, or encrypted_data and iv")
	case byData:
		return h.decryptPhone(ctx, s, req)
	case !wechat.ValidCode(req.Code):
		return session.Phone{}, apierror.New(apierror.BadRequest, "code is no code of the phone button")
	}
	return h.phoneByCode(context.WithoutCancel(ctx), s.AppID, s.OpenID, req.Code)
}

// phoneByCode exchanges a code of the phone button. The openid is sent too, so that
// WeChat refuses another user's code: else one user could bind another's number. The
// message of a refusal differs from login's: the user must press the button again.
func (h *Handler) phoneByCode(ctx context.Context, appid, openid, code string) (session.Phone, error) {
	phone, err := h.WeChat.Phone(ctx, appid, openid, code)
	if errors.Is(err, wechat.ErrInvalidCode) {
		err = apierror.New(apierror.InvalidCode, "WeChat refused the code: let the user press the phone button again").WithCause(err)
	}
	return session.Phone(phone), err
}

// decryptPhone decrypts encrypted_data with the session_key. WeChat confirms that the
// data is its own: it is not authenticated.
func (h *Handler) decryptPhone(ctx context.Context, s *session.Session, req phoneRequest) (session.Phone, error) {
	key, err := h.Sessions.SessionKey(ctx, s)
	if err != nil {
		return session.Phone{}, err
	}
	phone, err := h.WeChat.DecryptPhone(ctx, s.AppID, s.OpenID, key, req.EncryptedData, req.IV)
	return session.Phone(phone), err
}
