package config

// checkWebSocket refuses websocket: true with an h2c upstream: the gateway opens
// WebSockets over HTTP/1.1 only. Without the key such a route refuses handshakes.
func (v *validator) checkWebSocket(key string, route *Route) {
	if _, written := v.lines[key]; !written || !route.WebSocket {
		return
	}
	for _, u := range route.Upstreams {
		if u.URL.URL != nil && u.URL.Scheme == "h2c" {
			v.errorf(key, "is true, but %s does not support WebSocket: use http:// or https://, or remove the key", u.URL)
			return
		}
	}
}
