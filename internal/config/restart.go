package config

import "reflect"

// RestartKeys names the keys whose new values take effect at the next start
// only: those with the tag restart.
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
		was, is := running.FieldByIndex(field.Index), next.FieldByIndex(field.Index)
		switch tag := field.Tag.Get("restart"); {
		case tag == "larger" && is.Int() > was.Int(), tag == "changed" && !reflect.DeepEqual(was.Interface(), is.Interface()):
			keys = append(keys, key)
		case tag == "" && !isScalar(field.Type) && field.Type.Kind() == reflect.Struct:
			keys = append(keys, restartKeys(was, is, key)...)
		}
	}
	return keys
}
