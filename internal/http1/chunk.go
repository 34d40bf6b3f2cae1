package http1

// Limits of chunked bodies.
const (
	maxChunkDigits    = 16      // hex digits of a chunk's size, leading zeros included
	maxChunkLine      = 512     // bytes of a chunk's line, extensions included
	maxExtensionBytes = 8 << 10 // bytes of extensions in a body, plus one for each 16 bytes of data
	maxTrailerBytes   = 4 << 10 // bytes of the trailer section
	maxTrailerLines   = 64
)

// chunkSize parses a chunk's line. The blank that RFC 9112 allows before an extension is
// refused: recipients don't agree on it.
func (b *body) chunkSize(line []byte) (size int64, err error) {
	digits := 0
	for ; digits < len(line) && unhex(line[digits]) >= 0; digits++ {
		if size > 1<<55 {
			return 0, bodyError("the chunk's size is too large")
		}
		size = size<<4 | int64(unhex(line[digits]))
	}
	extension := line[digits:]
	switch {
	case digits == 0 || digits > maxChunkDigits:
		return 0, bodyError("the chunk's size is not a hexadecimal number")
	case len(extension) > 0 && !validExtension(extension):
		return 0, bodyError("the chunk's extension is malformed")
	}
	b.extensionBytes += int64(len(extension))
	if b.extensionBytes > maxExtensionBytes+b.chunkData/16 {
		return 0, bodyError("there are too many chunk extensions")
	}
	return size, nil
}

// validExtension accepts any number of ";name", ";name=token" and
// `;name="quoted"` (RFC 9112, section 7.1.1).
func validExtension(extension []byte) bool {
	for len(extension) > 0 {
		if extension[0] != ';' {
			return false
		}
		found, rest := cutToken(extension[1:])
		if !found {
			return false
		}
		if extension = rest; len(extension) > 0 && extension[0] == '=' {
			if found, extension = cutValue(extension[1:]); !found {
				return false
			}
		}
	}
	return true
}

// cutToken removes a token from the beginning of b.
func cutToken(b []byte) (found bool, rest []byte) {
	n := 0
	for n < len(b) && isToken(b[n]) {
		n++
	}
	return n > 0, b[n:]
}

// cutValue removes a token or a quoted string from the beginning of b.
func cutValue(b []byte) (found bool, rest []byte) {
	if len(b) == 0 || b[0] != '"' {
		return cutToken(b)
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case !isFieldByte(c):
			return false, nil
		case c == '\\' && i+1 < len(b) && isFieldByte(b[i+1]):
			i++
		case c == '"':
			return true, b[i+1:]
		}
	}
	return false, nil
}
