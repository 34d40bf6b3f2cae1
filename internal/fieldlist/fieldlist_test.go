package fieldlist_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"wxgate/internal/fieldlist"
)

func sample() fieldlist.List {
	return fieldlist.List{{"Accept", "a"}, {"X-Twice", "1"}, {"Cookie", "c=1"}, {"x-twice", "2"}, {"X-TWICE", "3"}}
}

func TestLookUpsIgnoreLetterCase(t *testing.T) {
	t.Parallel()
	l := sample()
	if l.Get("x-TWICE") != "1" || l.Get("none") != "" || !l.Has("COOKIE") || l.Has("Cooki") {
		t.Errorf("got %q, %q, %v and %v", l.Get("x-TWICE"), l.Get("none"), l.Has("COOKIE"), l.Has("Cooki"))
	}
	if got := l.Values("X-Twice"); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("values are %q", got)
	}
}

func TestSetAndDeleteAffectAllFieldsOfTheName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*fieldlist.List)
		want   fieldlist.List
	}{
		{func(l *fieldlist.List) { l.Set("X-Twice", "new") }, fieldlist.List{{"Accept", "a"}, {"X-Twice", "new"}, {"Cookie", "c=1"}}},
		{func(l *fieldlist.List) { l.Set("X-New", "v") }, append(sample(), fieldlist.Field{Name: "X-New", Value: "v"})},
		{func(l *fieldlist.List) { l.Set("ACCEPT", "b") }, append(fieldlist.List{{"ACCEPT", "b"}}, sample()[1:]...)},
		{func(l *fieldlist.List) { l.Delete("x-Twice") }, fieldlist.List{{"Accept", "a"}, {"Cookie", "c=1"}}},
		{func(l *fieldlist.List) { l.Delete("x-Twic") }, sample()},
	} {
		l := sample()
		if test.change(&l); !slices.Equal(l, test.want) {
			t.Errorf("got %q, want %q", l, test.want)
		}
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	t.Parallel()
	h := http.Header{"A": {"1", "2"}, "B": {""}, "X-OpenID": {"o"}}
	if got := fieldlist.FromHeader(h).Header(); !maps.EqualFunc(got, h, slices.Equal) {
		t.Errorf("got %q, want %q", got, h)
	}
}

func TestCopyToReplacesValuesAndUsesTheBuffer(t *testing.T) {
	t.Parallel()
	h := http.Header{"Accept": {"old", "older"}, "Other": {"x"}}
	buffer := make([]string, 0, 2)
	l := fieldlist.List{{"Accept", "a"}, {"X-Twice", "1"}, {"X-Twice", "2"}, {"Y", "3"}}
	l.CopyTo(h, buffer)
	want := http.Header{"Accept": {"a"}, "Other": {"x"}, "X-Twice": {"1", "2"}, "Y": {"3"}}
	if !maps.EqualFunc(h, want, slices.Equal) {
		t.Errorf("got %q, want %q", h, want)
	}
	if buffer = buffer[:2]; buffer[0] != "a" || buffer[1] != "1" {
		t.Errorf("the buffer holds %q", buffer)
	}
}
