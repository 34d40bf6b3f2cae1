package config

import (
	"net/netip"
	"strconv"
	"strings"

	"wxgate/internal/httprule"
)

// checkAddress wants host:port, the host perhaps empty for every address.
func (v *validator) checkAddress(key, text string, needsHost bool) {
	host, port, ok := SplitAddress(text)
	switch {
	case !ok || needsHost && host == "":
		v.errorf(key, "%s is not an address such as 127.0.0.1:8080", Quote(text))
	case host != "" && !httprule.ValidAddressHost(host):
		v.errorf(key, "%s has no valid host", Quote(text))
	case needsHost && port == 0:
		v.errorf(key, "%s has no port", Quote(text))
	}
}

// SplitAddress is net.SplitHostPort for numbers as ports.
func SplitAddress(text string) (host string, port int, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", 0, false
	}
	number, err := strconv.ParseUint(text[i+1:], 10, 16)
	if err != nil {
		return "", 0, false
	}
	host = text[:i]
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host, ok = strings.CutSuffix(inner, "]")
		return host, int(number), ok && strings.Contains(host, ":")
	}
	return host, int(number), !strings.Contains(host, ":")
}

func isLoopback(address string) bool {
	host, _, _ := SplitAddress(address)
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// sameSocket says whether the second of two listeners would find its port taken.
// Port 0 is another one each time.
func sameSocket(a, b string) bool {
	hostA, portA, _ := SplitAddress(a)
	hostB, portB, _ := SplitAddress(b)
	return portA == portB && portA != 0 && (hostA == hostB || isAnyAddress(hostA) || isAnyAddress(hostB))
}

func isAnyAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func isPort(text string) bool {
	number, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && number > 0
}
