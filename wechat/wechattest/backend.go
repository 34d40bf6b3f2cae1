package wechattest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
)

// Calls that a backend makes through a relay: one with a JSON body, two with
// uploads, one with a picture for an answer.

// sendMessage takes a subscription message.
func (s *Server) sendMessage(r *request) response {
	var asked struct {
		ToUser     string          `json:"touser"`
		TemplateID string          `json:"template_id"`
		Data       json.RawMessage `json:"data"`
	}
	switch {
	case json.Unmarshal(r.body, &asked) != nil:
		return failure(47001, "data format error")
	case r.app.userByOpenID(asked.ToUser) == nil:
		return failure(40003, "invalid openid")
	case asked.TemplateID == "":
		return failure(40037, "invalid template_id")
	case len(asked.Data) == 0:
		return failure(47003, "argument invalid! data")
	}
	return success()
}

// maxScene is how many characters the scene of a code may have.
const maxScene = 32

// miniProgramCode gives a picture that follows from the scene, not a real code.
func (s *Server) miniProgramCode(r *request) response {
	var asked struct {
		Scene string `json:"scene"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	if asked.Scene == "" || len(asked.Scene) > maxScene {
		return failure(40169, "invalid length for scene, or the data is not json string")
	}
	return response{status: http.StatusOK, contentType: asPNG, body: picture(asked.Scene)}
}

// picture draws a pattern of 16 by 16 fields.
func picture(scene string) []byte {
	const fields, size = 16, 20
	sum := sha256.Sum256([]byte(scene))
	img := image.NewGray(image.Rect(0, 0, fields*size, fields*size))
	for i := range img.Pix {
		x, y := i%img.Stride/size, i/img.Stride/size
		bit := y*fields + x
		if sum[bit/8]>>(bit%8)&1 == 0 {
			img.Pix[i] = 0xff
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err) // into memory
	}
	return out.Bytes()
}

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
	case strings.Contains(up.name, "risky"):
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
