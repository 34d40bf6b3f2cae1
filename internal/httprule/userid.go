package httprule

// maxUserID bounds the user id in a login hook's response, in bytes.
const maxUserID = 128

// ValidUserID accepts a user id that a login hook can return. The empty id means
// that the user has none.
func ValidUserID(id string) bool { return len(id) <= maxUserID && Printable(id) }
