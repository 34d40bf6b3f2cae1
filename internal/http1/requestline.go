package http1

import "bytes"

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
