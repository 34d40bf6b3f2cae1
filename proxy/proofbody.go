package proxy

import (
	"bytes"
	"io"
	"strings"
	"time"

	"wxgate/apierror"
	"wxgate/proxy/proof"
)

// checkSignedBody reads the body and compares its hash. An unsigned upload is accepted
// without reading it, if the route allows those.
func (rs *requestState) checkSignedBody(hash string) error {
	if hash == proof.Unsigned {
		if rs.route.UnsignedUploads && isFormData(rs.r.Header.Get("Content-Type")) {
			return nil
		}
		return proofInvalid()
	}
	body, err := rs.readSignedBody()
	if err != nil {
		return err
	}
	if proof.HashBody(body) != hash {
		return proofInvalid()
	}
	return nil
}

// signedBodyTimeout limits the time of a body that is buffered until it is verified.
const signedBodyTimeout = time.Minute

// readSignedBody reads the whole body, and replaces it in the request by what was read.
func (rs *requestState) readSignedBody() ([]byte, error) {
	r := rs.r
	if r.ContentLength == 0 {
		return nil, nil
	}
	limits := routeBodyLimits(r)
	limits.idle, limits.total = bodyIdleTimeout, signedBodyTimeout
	limited := new(requestBody)
	limited.start(rs, 0, limits, nil)
	defer limited.stop()
	body, err := io.ReadAll(io.LimitReader(limited, proof.MaxBody+1))
	rest := r.Body
	r.Body = readCloser{io.MultiReader(bytes.NewReader(body), rest), rest}
	switch {
	case err != nil:
		return nil, bodyError(err)
	case len(body) > proof.MaxBody:
		return nil, bodyTooLarge()
	case len(r.Trailer) > 0:
		return nil, apierror.New(apierror.BadRequest, "a signed request has no trailers")
	}
	r.ContentLength = int64(len(body))
	return body, nil
}

// readCloser combines a Reader and a Closer.
type readCloser struct {
	io.Reader
	io.Closer
}

const formData = "multipart/form-data"

func isFormData(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), formData)
}
