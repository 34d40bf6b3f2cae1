package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// outOfBounds holds a value against the tags oneof, min and max.
func outOfBounds(v reflect.Value, tag reflect.StructTag) string {
	if words := strings.Fields(tag.Get("oneof")); len(words) > 0 && !slices.Contains(words, v.String()) {
		return fmt.Sprintf("%s is not one of %s%s", Quote(v.String()), strings.Join(words, ", "), DidYouMean(v.String(), words))
	}
	if least := tag.Get("min"); least != "" && v.Int() < bound(v.Type(), least) {
		return fmt.Sprintf("%v is less than %s", v.Interface(), least)
	}
	if most := tag.Get("max"); most != "" && v.Int() > bound(v.Type(), most) {
		return fmt.Sprintf("%v is more than %s", v.Interface(), most)
	}
	return ""
}

// bound reads the value of a min or max tag.
func bound(t reflect.Type, tag string) int64 {
	v := reflect.New(t)
	if p, ok := v.Interface().(encoding.TextUnmarshaler); ok {
		if err := p.UnmarshalText([]byte(tag)); err != nil {
			panic("tag of the configuration: " + err.Error())
		}
		return v.Elem().Int()
	}
	number, err := strconv.ParseInt(tag, 10, 64)
	if err != nil {
		panic("tag of the configuration: " + err.Error())
	}
	return number
}
