package http1

import (
	"bytes"
)

// headParser parses a request's head in a buffer that is being filled. Each line is
// checked as soon as it is complete: a malformed request is refused without waiting for
// its rest.
type headParser struct {
	lineStart    int // where the next line begins, relative to the head
	searched     int // the buffer holds no line end before this
	sawEmptyLine bool
	lines        int // complete lines
	method       span
	target       span
	minor        int // HTTP/1.minor
	http2        bool
	fields       []fieldSpan
}

// span is a part of the head, counted from its beginning.
type span struct{ from, to int }

func (s span) of(head string) string { return head[s.from:s.to] }

type fieldSpan struct{ name, value span }

func (p *headParser) reset() { *p = headParser{fields: p.fields[:0]} }

// malformed returns a Refusal with BadRequest.
func malformed(detail string) *Refusal { return &Refusal{Reason: BadRequest, Detail: detail} }

// parse continues with buf, which holds the head as far as it has arrived. It is done at
// the empty line; lineStart is the head's length then.
func (p *headParser) parse(buf []byte, maxFields int) (done bool, r *Refusal) {
	for {
		end := bytes.IndexByte(buf[max(p.searched, p.lineStart):], '\n')
		if end < 0 {
			p.searched = len(buf)
			return false, p.checkPartialLine(buf[p.lineStart:])
		}
		end += max(p.searched, p.lineStart)
		if end == p.lineStart || buf[end-1] != '\r' {
			return false, malformed("a line must end with CR and LF")
		}
		line := buf[p.lineStart : end-1]
		from := p.lineStart
		p.lineStart = end + 1
		switch {
		case p.lines == 0:
			r = p.firstLine(line, from)
		case len(line) == 0:
			return true, nil
		case len(p.fields) == maxFields:
			r = &Refusal{Reason: HeaderTooLarge, Detail: "the request has too many header lines"}
		default:
			r = p.fieldLine(line, from)
		}
		if r != nil || p.http2 {
			return p.http2, r
		}
	}
}

// checkPartialLine checks the beginning of a line.
func (p *headParser) checkPartialLine(line []byte) *Refusal {
	if at := bytes.IndexByte(line, '\r'); at >= 0 && at+1 < len(line) {
		return malformed("a line must end with CR and LF")
	}
	switch {
	case p.lines > 0 || len(line) == 0:
	case !isToken(line[0]) && line[0] != '\r':
		return malformed("the request line must begin with a method")
	case len(line) > maxMethod && bytes.IndexByte(line[:maxMethod], ' ') < 0:
		return malformed("the method is too long")
	}
	return nil
}

// maxMethod bounds the bytes of a method.
const maxMethod = 2 << 10

// firstLine parses the request line. One empty line before it is ignored (RFC 9112,
// section 2.2).
func (p *headParser) firstLine(line []byte, from int) *Refusal {
	if len(line) == 0 {
		if p.sawEmptyLine {
			return malformed("the request line is empty")
		}
		p.sawEmptyLine = true
		return nil
	}
	p.lines++
	return p.requestLine(line, from)
}

const http2Line = "PRI * HTTP/2.0"

func (p *headParser) requestLine(line []byte, from int) *Refusal {
	if string(line) == http2Line && !p.sawEmptyLine {
		p.http2 = true
		return nil
	}
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if first <= 0 || last <= first+1 {
		return malformed("the request line must be a method, a target and a version with one space between them")
	}
	if first > maxMethod || !allTokens(line[:first]) {
		return malformed("the method is not a token, or too long")
	}
	if r := p.version(line[last+1:]); r != nil {
		return r
	}
	if r := checkTargetBytes(line[first+1 : last]); r != nil {
		return r
	}
	p.method = span{from, from + first}
	p.target = span{from + first + 1, from + last}
	return nil
}

// version accepts HTTP/1.0 and HTTP/1.1 (RFC 9112, section 2.3: case-sensitive, one
// digit each).
func (p *headParser) version(v []byte) *Refusal {
	switch string(v) {
	case "HTTP/1.1":
		p.minor = 1
		return nil
	case "HTTP/1.0":
		p.minor = 0
		return nil
	}
	if len(v) == len("HTTP/1.1") && string(v[:5]) == "HTTP/" && isDigit(v[5]) && v[6] == '.' && isDigit(v[7]) {
		return &Refusal{Reason: UnknownVersion}
	}
	return malformed("the request line must end with the version, HTTP/1.1")
}

func (p *headParser) fieldLine(line []byte, from int) *Refusal {
	p.lines++
	name, value, r := splitField(line)
	if r == nil {
		p.fields = append(p.fields, fieldSpan{
			span{from + name.from, from + name.to}, span{from + value.from, from + value.to}})
	}
	return r
}

// splitField splits a field line into name and value (RFC 9112, section 5).
func splitField(line []byte) (name, value span, r *Refusal) {
	colon := bytes.IndexByte(line, ':')
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return name, value, malformed("a header line is folded")
	case colon < 0:
		return name, value, malformed("a header line has no colon")
	case colon == 0 || !allTokens(line[:colon]):
		return name, value, malformed("a header's name is not a token")
	}
	from, to := colon+1, len(line)
	for from < to && isBlank(line[from]) {
		from++
	}
	for from < to && isBlank(line[to-1]) {
		to--
	}
	for _, c := range line[from:to] {
		if !isFieldByte(c) {
			return name, value, malformed("a header's value holds a control character")
		}
	}
	return span{0, colon}, span{from, to}, nil
}

// Kinds of bytes.
const (
	tokenByte = 1 << iota
	fieldByte
	targetByte
	hostByte
)

// byteKinds says for each byte where it may stand.
var byteKinds = func() (kinds [256]uint8) {
	for c := range 256 {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if letter || c < 0x80 && bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0 {
			kinds[c] |= tokenByte
		}
		if c == '\t' || c >= ' ' && c != 0x7f {
			kinds[c] |= fieldByte
		}
		if c > ' ' && c < 0x7f {
			kinds[c] |= targetByte
		}
		if letter || c == '-' || c == '.' || c == '_' {
			kinds[c] |= hostByte
		}
	}
	return kinds
}()

func isToken(c byte) bool     { return byteKinds[c]&tokenByte != 0 }
func isFieldByte(c byte) bool { return byteKinds[c]&fieldByte != 0 }
func isHostByte(c byte) bool  { return byteKinds[c]&hostByte != 0 }
func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isBlank(c byte) bool     { return c == ' ' || c == '\t' }

func allTokens(b []byte) bool {
	for _, c := range b {
		if !isToken(c) {
			return false
		}
	}
	return true
}
