package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// outOfBounds returns why the tags oneof, min or max refuse a value; "" if they
// accept it.
func outOfBounds(v reflect.Value, tag reflect.StructTag) string {
	if words := strings.Fields(tag.Get("oneof")); len(words) > 0 && !slices.Contains(words, v.String()) {
		return fmt.Sprintf("%s is not one of %s%s", Quote(v.String()), strings.Join(words, ", "), DidYouMean(v.String(), words))
	}
	if minimum := tag.Get("min"); minimum != "" && v.Int() < parseBound(v.Type(), minimum) {
		return fmt.Sprintf("%v is less than %s", v.Interface(), minimum)
	}
	if maximum := tag.Get("max"); maximum != "" && v.Int() > parseBound(v.Type(), maximum) {
		return fmt.Sprintf("%v is more than %s", v.Interface(), maximum)
	}
	return ""
}

// parseBound parses a min or max tag as a value of type t. It panics if the tag
// is not a valid value: that is a fault of the schema.
func parseBound(t reflect.Type, tag string) int64 {
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
