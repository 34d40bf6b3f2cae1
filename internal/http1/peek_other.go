//go:build !unix

package http1

import "errors"

const canPeek = false

func readFD(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
