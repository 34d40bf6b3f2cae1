package wechattest

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"
)

// Calls with an uploaded file.

// Sizes of uploads, in bytes.
const (
	maxCheckedImage = 1 << 20
	maxMedia        = 10 << 20
)

// checkImage takes a picture of at most 1 MiB; one with risky in its name is one.
func (s *Server) checkImage(r *request) response {
	up, a, ok := readUpload(r)
	switch {
	case !ok:
		return a
	case up.size > maxCheckedImage:
		return failure(40006, "invalid media size")
	case strings.Contains(up.name, risky):
		return failure(87014, "risky content")
	}
	return success()
}

// uploadMedia takes a picture of at most 10 MiB. Its media_id holds the SHA-256 of
// what arrived, in base64url.
func (s *Server) uploadMedia(r *request) response {
	if r.query.Get("type") != "image" {
		return failure(40004, "invalid media type")
	}
	up, a, ok := readUpload(r)
	switch {
	case !ok:
		return a
	case up.size > maxMedia:
		return failure(40009, "invalid image size")
	}
	return succeed(map[string]any{"type": "image", "media_id": up.sum, "created_at": s.now().Unix()})
}

type upload struct {
	name string
	size int64
	sum  string
}

// readUpload reads the file in the form's field media, and keeps nothing of it.
func readUpload(r *request) (upload, response, bool) {
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
