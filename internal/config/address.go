package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"wxgate/internal/httprule"
)

// Address is a listener's host:port. Without a host it is every address of the
// machine; port 0 is any free port.
type Address string

func (a *Address) UnmarshalText(text []byte) error {
	if err := checkAddress(string(text), ":8080"); err != nil {
		return err
	}
	*a = Address(text)
	return nil
}

func (a Address) MarshalText() ([]byte, error) { return []byte(a), nil }

// isLoopback reports whether only programs on this machine can connect.
func (a Address) isLoopback() bool { return isLoopbackAddress(string(a)) }

// RedisAddr is the host:port of a Redis server, Sentinel or cluster node.
type RedisAddr string

func (a *RedisAddr) UnmarshalText(text []byte) error {
	written := string(text)
	if strings.Contains(written, "://") {
		return redisURLError(written)
	}
	if err := checkAddress(written, "127.0.0.1:6379"); err != nil {
		return err
	}
	host, port, _ := SplitAddress(written)
	if host == "" || port == 0 {
		return fmt.Errorf("%s is not an address such as 127.0.0.1:6379", Quote(written))
	}
	*a = RedisAddr(written)
	return nil
}

func (a RedisAddr) MarshalText() ([]byte, error) { return []byte(a), nil }

// redisURLError is the error for a Redis URL in place of an address. It says which
// keys the parts of the URL belong to, without user and password.
func redisURLError(text string) error {
	scheme, rest, _ := strings.Cut(text, "://")
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, _, _ := strings.Cut(rest, "/")
	if _, _, ok := SplitAddress(host); !ok {
		host = "host:6379"
	}
	keys := "user, password and number go to redis.username, redis.password and redis.db"
	if scheme == "rediss" {
		keys += ", rediss is redis.tls: true"
	}
	return fmt.Errorf("must be an address, not a URL: write %s (%s)", Quote(host), keys)
}

// checkAddress accepts host:port. example is a valid address for the message.
func checkAddress(text, example string) error {
	host, _, ok := SplitAddress(text)
	exampleHost, _, _ := SplitAddress(example)
	switch {
	case isPort(text) && text != "":
		return fmt.Errorf("%s is a port alone: write %s", text, Quote(exampleHost+":"+text))
	case strings.Contains(text, "://"):
		return fmt.Errorf("%s is a URL: write an address such as %s", Quote(withoutUser(text)), Quote(example))
	case !ok && strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "["):
		return fmt.Errorf("%s is not an address: brackets go around an IPv6 host, such as %s", Quote(text), Quote("[::1]"+example[strings.LastIndex(example, ":"):]))
	case !ok && httprule.ValidAddressHost(text):
		_, port, _ := strings.Cut(example, ":")
		return fmt.Errorf("%s has no port: write %s", Quote(text), Quote(net.JoinHostPort(text, port)))
	case !ok:
		return fmt.Errorf("%s is not an address such as %s", Quote(text), Quote(example))
	case host != "" && !httprule.ValidAddressHost(host):
		return fmt.Errorf("%s has no valid host", Quote(text))
	}
	return nil
}

// withoutUser removes user and password from a URL for a message.
func withoutUser(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
}

// SplitAddress is net.SplitHostPort for numeric ports.
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

func isLoopbackAddress(address string) bool {
	host, _, _ := SplitAddress(address)
	return isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// addressesConflict reports whether two listeners can't listen at the same time. Port 0 is
// a different port for each.
func addressesConflict(a, b Address) bool {
	hostA, portA, _ := SplitAddress(string(a))
	hostB, portB, _ := SplitAddress(string(b))
	return portA == portB && portA != 0 && (hostA == hostB || isAnyAddress(hostA) || isAnyAddress(hostB))
}

// isAnyAddress reports whether a listener on the host listens on every address.
func isAnyAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// isPort accepts a port from 1 to 65535, and the empty text of a host without one.
func isPort(text string) bool {
	number, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && number > 0
}
