package config

// The length of apps[].prefetch.key: 22 characters of base64url are 128 bits.
const (
	minPrefetchKey = 22
	maxPrefetchKey = 128
)

func (v *validator) checkPrefetch(key string, p Prefetch) {
	text := p.Key.Reveal()
	if text == "" {
		return
	}
	if len(text) < minPrefetchKey || len(text) > maxPrefetchKey || !only(text, isAlphanumeric, "_-") {
		v.errorf(key+".key", "must be %d to %d random letters, digits, - and _, such as `openssl rand -hex 16` prints", minPrefetchKey, maxPrefetchKey)
	}
}
