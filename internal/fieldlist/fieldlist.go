// Package fieldlist holds the header fields of a message in the order in which
// they are sent. For the dozen fields of a usual message a list costs less than
// an http.Header, and it needs no memory but what its caller gives it.
package fieldlist

import (
	"net/http"
	"slices"
	"strings"
)

// Field is one line of a header or trailer: the name, and the value without the
// blanks around it.
type Field struct{ Name, Value string }

// List is a header. A name may stand in it more than once; letter case makes no
// difference to any look-up (RFC 9110, section 5.1), and is kept.
type List []Field

// FromHeader makes a list of an http.Header. The lines of one name keep their
// order.
func FromHeader(h http.Header) List {
	l := make(List, 0, len(h))
	for name, values := range h {
		for _, v := range values {
			l = append(l, Field{name, v})
		}
	}
	return l
}

// Header makes an http.Header of the list. Its keys are the names as they are.
func (l List) Header() http.Header {
	h := make(http.Header, len(l))
	l.CopyTo(h, make([]string, 0, len(l)))
	return h
}

// CopyTo puts the fields in an http.Header, in place of those that it has under
// their names. Their values are put in room, as far as that suffices.
func (l List) CopyTo(h http.Header, room []string) {
	for i, f := range l {
		if l[:i].exact(f.Name) {
			h[f.Name] = append(h[f.Name], f.Value)
			continue
		}
		room = append(room, f.Value)
		n := len(room)
		h[f.Name] = room[n-1 : n : n]
	}
}

// exact reports whether a name is in the list, in the same letter case.
func (l List) exact(name string) bool {
	for i := range l {
		if l[i].Name == name {
			return true
		}
	}
	return false
}

// Same reports whether two names are those of the same field.
func Same(a, b string) bool {
	return len(a) == len(b) && (a == b || strings.EqualFold(a, b))
}

// Get gives a field's first value; "" where there is none.
func (l List) Get(name string) string {
	for i := range l {
		if Same(l[i].Name, name) {
			return l[i].Value
		}
	}
	return ""
}

// Has reports whether there is a field of the name.
func (l List) Has(name string) bool {
	return slices.ContainsFunc(l, func(f Field) bool { return Same(f.Name, name) })
}

// Values gives all of a field's values.
func (l List) Values(name string) []string {
	var values []string
	for i := range l {
		if Same(l[i].Name, name) {
			values = append(values, l[i].Value)
		}
	}
	return values
}

// Add puts a field behind the others.
func (l *List) Add(name, value string) { *l = append(*l, Field{name, value}) }

// Set puts a field in the place of all of its name, and spells it as given.
func (l *List) Set(name, value string) {
	for i := range *l {
		if Same((*l)[i].Name, name) {
			(*l)[i] = Field{name, value}
			rest := (*l)[i+1:]
			rest.Delete(name)
			*l = (*l)[:i+1+len(rest)]
			return
		}
	}
	l.Add(name, value)
}

// Delete takes all fields of the name out.
func (l *List) Delete(name string) {
	kept := 0
	for _, f := range *l {
		if !Same(f.Name, name) {
			(*l)[kept] = f
			kept++
		}
	}
	clear((*l)[kept:])
	*l = (*l)[:kept]
}

// AppendTo puts the fields behind those that an http.Header has under their names.
func (l List) AppendTo(h http.Header) {
	for _, f := range l {
		h[f.Name] = append(h[f.Name], f.Value)
	}
}
