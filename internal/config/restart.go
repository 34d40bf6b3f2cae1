package config

import "reflect"

// RestartKeys returns the keys with the tag restart whose values changed: the new
// values take effect at the next start only.
func RestartKeys(running, next *Config) []string {
	return restartKeys(reflect.ValueOf(running).Elem(), reflect.ValueOf(next).Elem(), "")
}

func restartKeys(running, next reflect.Value, parent string) (keys []string) {
	for _, field := range reflect.VisibleFields(running.Type()) {
		name := keyName(field)
		if name == "" || name == "-" {
			continue
		}
		key := joinKey(parent, name)
		before, after := running.FieldByIndex(field.Index), next.FieldByIndex(field.Index)
		switch tag := field.Tag.Get("restart"); {
		case tag == "larger" && after.Int() > before.Int(), tag == "changed" && !reflect.DeepEqual(before.Interface(), after.Interface()):
			keys = append(keys, key)
		case tag == "" && !isScalar(field.Type) && field.Type.Kind() == reflect.Struct:
			keys = append(keys, restartKeys(before, after, key)...)
		}
	}
	return keys
}
