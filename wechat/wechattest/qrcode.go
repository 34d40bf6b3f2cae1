package wechattest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"image"
	"image/jpeg"
	"net/http"
)

// Limits of the scene and of the path of a mini program code, in bytes.
const (
	maxScene = 32
	maxPath  = 1024
)

// unlimitedCode handles getwxacodeunlimit.
func (s *Server) unlimitedCode(r *request) response {
	var params struct {
		Scene string `json:"scene"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	if params.Scene == "" || len(params.Scene) > maxScene {
		return failure(40169, "invalid length for scene, or the data is not json string")
	}
	return codeImage("scene " + params.Scene)
}

// pathCode handles getwxacode and createwxaqrcode.
func (s *Server) pathCode(r *request) response {
	var params struct {
		Path string `json:"path"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	if params.Path == "" || len(params.Path) > maxPath {
		return failure(40159, "invalid length for path, or the data is not json string")
	}
	return codeImage("path " + params.Path)
}

// codeImage is a JPEG with a pattern of 16 by 16 squares that is derived from the content.
// It is not a code that a phone can scan.
func codeImage(content string) response {
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
		panic(err) // can't fail in memory
	}
	return response{status: http.StatusOK, contentType: typeJPEG, body: out.Bytes()}
}
