// Package fieldlist is a message header as a list of fields, in the order in
// which they are sent. For the dozen fields of an ordinary message a list is
// cheaper than an http.Header and needs no allocation beyond the caller's slice.
package fieldlist

import (
	"net/http"
	"slices"
	"strings"
)

// Field is one line of a header or trailer: the name, and the value without
// surrounding white space.
type Field struct{ Name, Value string }

// List is a header. A name may occur more than once. Look-ups ignore letter case
// (RFC 9110, section 5.1); names keep the case in which they were added.
type List []Field

// FromHeader converts an http.Header to a list. The values of one name keep
// their order; the order of names is random.
func FromHeader(h http.Header) List {
	l := make(List, 0, len(h))
	for name, values := range h {
		for _, v := range values {
			l = append(l, Field{name, v})
		}
	}
	return l
}

// Header converts the list to an http.Header. The keys are the names as they
// are, not canonicalised.
func (l List) Header() http.Header {
	h := make(http.Header, len(l))
	l.CopyTo(h, make([]string, 0, len(l)))
	return h
}

// CopyTo sets the list's fields in an http.Header and replaces the values that
// it has under their names. The values are stored in buffer, up to its capacity,
// to save an allocation for each.
func (l List) CopyTo(h http.Header, buffer []string) {
	for i, f := range l {
		if l[:i].hasExact(f.Name) {
			h[f.Name] = append(h[f.Name], f.Value)
			continue
		}
		buffer = append(buffer, f.Value)
		n := len(buffer)
		h[f.Name] = buffer[n-1 : n : n]
	}
}

// hasExact reports whether the list has a name in the same letter case.
func (l List) hasExact(name string) bool {
	for i := range l {
		if l[i].Name == name {
			return true
		}
	}
	return false
}

// SameName reports whether two names are equal but for letter case.
func SameName(a, b string) bool {
	return len(a) == len(b) && (a == b || strings.EqualFold(a, b))
}

// Get returns the first value of a name, or "" if there is none.
func (l List) Get(name string) string {
	for i := range l {
		if SameName(l[i].Name, name) {
			return l[i].Value
		}
	}
	return ""
}

// Has reports whether the list has a field of a name.
func (l List) Has(name string) bool {
	return slices.ContainsFunc(l, func(f Field) bool { return SameName(f.Name, name) })
}

// Values returns all values of a name.
func (l List) Values(name string) []string {
	var values []string
	for i := range l {
		if SameName(l[i].Name, name) {
			values = append(values, l[i].Value)
		}
	}
	return values
}

// Add appends a field.
func (l *List) Add(name, value string) { *l = append(*l, Field{name, value}) }

// Set replaces all fields of a name by one, at the position of the first and
// with the letter case of name, or appends it.
func (l *List) Set(name, value string) {
	for i := range *l {
		if SameName((*l)[i].Name, name) {
			(*l)[i] = Field{name, value}
			following := (*l)[i+1:]
			following.Delete(name)
			*l = (*l)[:i+1+len(following)]
			return
		}
	}
	l.Add(name, value)
}

// Delete removes all fields of a name.
func (l *List) Delete(name string) {
	kept := 0
	for _, f := range *l {
		if !SameName(f.Name, name) {
			(*l)[kept] = f
			kept++
		}
	}
	clear((*l)[kept:])
	*l = (*l)[:kept]
}

// AppendTo adds the list's fields to an http.Header, after its existing values.
func (l List) AppendTo(h http.Header) {
	for _, f := range l {
		h[f.Name] = append(h[f.Name], f.Value)
	}
}
