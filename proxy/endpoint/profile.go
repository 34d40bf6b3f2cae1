package endpoint

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/session"
)

// Limits of a profile. WeChat's own nicknames have at most 32 characters.
const (
	maxNickname  = 64   // characters
	maxAvatarURL = 1024 // bytes
	maxRawData   = 8 << 10
)

// profileRequest is the body of PUT {auth}/profile: fields to set (an absent one stays
// as it is, an empty one is cleared), or the data that wx signed.
type profileRequest struct {
	Nickname  *string `json:"nickname"`
	AvatarURL *string `json:"avatar_url"`

	RawData       string `json:"raw_data"`
	Signature     string `json:"signature"`
	EncryptedData string `json:"encrypted_data"`
	IV            string `json:"iv"`
}

// profileResponse is the response of GET and PUT {auth}/profile.
type profileResponse struct {
	Nickname  string `json:"nickname"`
	AvatarURL string `json:"avatar_url"`
}

// getProfile serves GET {auth}/profile.
func (h *Handler) getProfile(r *Request) error {
	_, user, err := h.authenticateWithUser(r)
	if err != nil {
		return err
	}
	return writeJSON(r, profileResponse(user.Profile))
}

// putProfile serves PUT {auth}/profile.
func (h *Handler) putProfile(r *Request) error {
	s, err := h.authenticateAndRenew(r)
	if err != nil {
		return err
	}
	var req profileRequest
	if err := readJSON(r, &req); err != nil {
		return err
	}
	if req.signed() {
		if err := h.readSignedProfile(r.HTTP.Context(), s, &req); err != nil {
			return err
		}
	}
	profile, err := h.mergeProfile(r.HTTP.Context(), s, req)
	if err != nil {
		return err
	}
	if err := h.Sessions.SetProfile(context.WithoutCancel(r.HTTP.Context()), s, profile); err != nil {
		return err
	}
	return writeJSON(r, profileResponse(profile))
}

func (req *profileRequest) signed() bool {
	return req.RawData != "" || req.Signature != "" || req.EncryptedData != "" || req.IV != ""
}

// mergeProfile checks the request's fields and returns the stored profile with them set.
func (h *Handler) mergeProfile(ctx context.Context, s *session.Session, req profileRequest) (session.Profile, error) {
	if req.Nickname == nil && req.AvatarURL == nil {
		return session.Profile{}, apierror.New(apierror.BadRequest, "send nickname, avatar_url or both")
	}
	if req.Nickname != nil && !validNickname(*req.Nickname) {
		return session.Profile{}, apierror.New(apierror.BadRequest, "nickname is too long or holds control characters")
	}
	if req.AvatarURL != nil && !validAvatar(*req.AvatarURL) {
		return session.Profile{}, apierror.New(apierror.BadRequest, "avatar_url must be a https URL of at most 1024 bytes")
	}
	user, err := h.Sessions.Profile(ctx, s)
	if err != nil {
		return session.Profile{}, err
	}
	profile := user.Profile
	if req.Nickname != nil {
		profile.Nickname = *req.Nickname
	}
	if req.AvatarURL != nil {
		profile.AvatarURL = *req.AvatarURL
	}
	return profile, nil
}

func validNickname(name string) bool {
	return httprule.Printable(name) && utf8.RuneCountInString(name) <= maxNickname
}

// validAvatar accepts https URLs, and "". Clients show the picture; the gateway never
// fetches it.
func validAvatar(raw string) bool {
	if raw == "" {
		return true
	}
	u, err := url.Parse(raw)
	return err == nil && len(raw) <= maxAvatarURL && httprule.Printable(raw) && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

// wxUserInfo is the part of wx's user info that is stored.
// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
type wxUserInfo struct {
	OpenID    string  `json:"openId"`
	Nickname  *string `json:"nickName"`
	AvatarURL *string `json:"avatarUrl"`
}

// readSignedProfile verifies the data that wx signed and sets the request's fields from
// it. The encrypted data is not used: it is not authenticated, so a client can change it.
func (h *Handler) readSignedProfile(ctx context.Context, s *session.Session, req *profileRequest) error {
	if req.RawData == "" || req.Signature == "" || len(req.RawData) > maxRawData {
		return apierror.New(apierror.BadRequest, "send raw_data with signature")
	}
	key, err := h.Sessions.SessionKey(ctx, s)
	if err != nil {
		return err
	}
	if err := h.WeChat.VerifyRawData(ctx, s.AppID, s.OpenID, key, req.RawData, req.Signature); err != nil {
		return err
	}
	return req.setFields(json.RawMessage(req.RawData), s.OpenID)
}

func (req *profileRequest) setFields(raw json.RawMessage, openid string) error {
	var info wxUserInfo
	if err := json.Unmarshal(raw, &info); err != nil {
		return apierror.New(apierror.BadData, "the signed data is no user info").WithCause(err)
	}
	if info.OpenID != "" && info.OpenID != openid {
		return apierror.New(apierror.BadData, "the data could not be decrypted or verified")
	}
	req.Nickname, req.AvatarURL = info.Nickname, info.AvatarURL
	if info.AvatarURL != nil {
		secure := httpsAvatar(*info.AvatarURL)
		req.AvatarURL = &secure
	}
	return nil
}

// httpsAvatar changes http to https in URLs of WeChat's picture host, which serves
// both: older clients sign http URLs.
func httpsAvatar(raw string) string {
	u, err := url.Parse(raw)
	if err == nil && u.Scheme == "http" && strings.HasSuffix(u.Hostname(), ".qlogo.cn") {
		return "https" + strings.TrimPrefix(raw, "http")
	}
	return raw
}
