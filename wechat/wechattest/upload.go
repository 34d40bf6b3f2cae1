package wechattest

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
)

// maxMedia is the maximum size of an upload, in bytes.
const maxMedia = 10 << 20

// uploadMedia handles /cgi-bin/media/upload for images. The media_id is the SHA-256 of the
// file in base64url, so that a test can check what arrived.
func (s *Server) uploadMedia(r *request) response {
	if r.query.Get("type") != "image" {
		return failure(40004, "invalid media type")
	}
	up, res, ok := readUpload(r)
	switch {
	case !ok:
		return res
	case up.size > maxMedia:
		return failure(40009, "invalid image size")
	}
	return succeed(map[string]any{"type": "image", "media_id": up.sum, "created_at": s.now().Unix()})
}

// upload describes an uploaded file.
type upload struct {
	name string
	size int64
	sum  string
}

// readUpload reads the file in the form field media and discards it. If ok is false, res is
// the error.
func readUpload(r *request) (up upload, res response, ok bool) {
	form, err := r.MultipartReader()
	if err != nil {
		return upload{}, failure(41005, "media data missing"), false
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return upload{}, failure(41005, "media data missing"), false
		}
		if part.FormName() != "media" {
			continue
		}
		sum := sha256.New()
		size, err := io.Copy(sum, part)
		if err != nil {
			return upload{}, failure(41005, "media data missing"), false
		}
		return upload{part.FileName(), size, base64.RawURLEncoding.EncodeToString(sum.Sum(nil))}, response{}, true
	}
}
