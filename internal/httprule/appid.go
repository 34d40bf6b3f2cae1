package httprule

// maxAppID bounds an appid, in bytes. WeChat's have 18.
const maxAppID = 64

// ValidAppID accepts 1 to 64 letters, digits, - and _. WeChat's appids begin with
// wx; test accounts may have others.
func ValidAppID(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return text != "" && len(text) <= maxAppID
}
