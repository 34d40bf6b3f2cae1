package wechattest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"image"
	"image/jpeg"
	"net/http"
)

// Pictures of mini program codes. Each follows from what it should open; it is no
// code that a phone could read.

// maxScene is how many characters the scene of a code may have, maxPath how many
// bytes a path.
const (
	maxScene = 32
	maxPath  = 1024
)

// unlimitedCode answers getwxacodeunlimit.
func (s *Server) unlimitedCode(r *request) response {
	var asked struct {
		Scene string `json:"scene"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	if asked.Scene == "" || len(asked.Scene) > maxScene {
		return failure(40169, "invalid length for scene, or the data is not json string")
	}
	return picture("scene " + asked.Scene)
}

// pathCode answers getwxacode and createwxaqrcode.
func (s *Server) pathCode(r *request) response {
	var asked struct {
		Path string `json:"path"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	if asked.Path == "" || len(asked.Path) > maxPath {
		return failure(40159, "invalid length for path, or the data is not json string")
	}
	return picture("path " + asked.Path)
}

// picture is a JPEG with a pattern of 16 by 16 fields.
func picture(content string) response {
	const fields, size = 16, 20
	sum := sha256.Sum256([]byte(content))
	img := image.NewGray(image.Rect(0, 0, fields*size, fields*size))
	for i := range img.Pix {
		x, y := i%img.Stride/size, i/img.Stride/size
		bit := y*fields + x
		if sum[bit/8]>>(bit%8)&1 == 0 {
			img.Pix[i] = 0xff
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		panic(err) // into memory
	}
	return response{status: http.StatusOK, contentType: asJPEG, body: out.Bytes()}
}
