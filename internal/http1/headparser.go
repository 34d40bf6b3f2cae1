package http1

import "bytes"

// headParser parses a request's head while its buffer is being filled. Each line is
// checked as soon as it is complete: a malformed request is refused without waiting for
// its rest.
type headParser struct {
	lineStart    int // where the next line begins, relative to the head
	searched     int // there is no LF between lineStart and this position
	sawEmptyLine bool
	lines        int // complete lines, the request line included
	method       span
	target       span
	minor        int  // HTTP/1.minor
	http2        bool // the head is the beginning of HTTP/2's preface
	fields       []fieldSpan
}

// span is a part of the head, counted from its beginning.
type span struct{ from, to int }

func (s span) of(head string) string { return head[s.from:s.to] }

type fieldSpan struct{ name, value span }

func (p *headParser) reset() { *p = headParser{fields: p.fields[:0]} }

// malformed returns a Refusal with BadRequest.
func malformed(detail string) *Refusal { return &Refusal{Reason: BadRequest, Detail: detail} }

// parse parses the lines that are complete since the last call. buf holds the head as far
// as it has arrived. complete means that the empty line at the end was found; lineStart is
// the length of the head then.
func (p *headParser) parse(buf []byte, maxFields int) (complete bool, r *Refusal) {
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
