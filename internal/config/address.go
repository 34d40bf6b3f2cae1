package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"wxgate/internal/httprule"
)

// Address is where a listener listens: host:port, without a host on every
// address of the machine. Port 0 is any free one.
type Address string

func (a *Address) UnmarshalText(text []byte) error {
	if err := checkAddress(string(text), ":8080"); err != nil {
		return err
	}
	*a = Address(text)
	return nil
}

func (a Address) MarshalText() ([]byte, error) { return []byte(a), nil }

// loopback reports whether only programs of this machine can connect.
func (a Address) loopback() bool { return isLoopback(string(a)) }

// RedisAddr is the host:port of a Redis server, Sentinel or node.
type RedisAddr string

func (a *RedisAddr) UnmarshalText(text []byte) error {
	written := string(text)
	if strings.Contains(written, "://") {
		return redisURL(written)
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

// redisURL says what the parts of a Redis URL are here. It shows neither user
// nor password.
func redisURL(text string) error {
	scheme, rest, _ := strings.Cut(text, "://")
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, _, _ := strings.Cut(rest, "/")
	if _, _, ok := SplitAddress(host); !ok {
		host = "host:6379"
	}
	also := "user, password and number go to redis.username, redis.password and redis.db"
	if scheme == "rediss" {
		also += ", rediss is redis.tls: true"
	}
	return fmt.Errorf("is an address, not a URL: write %s (%s)", Quote(host), also)
}

// checkAddress accepts host:port. example is one that would do.
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

// withoutUser takes user and password out of a URL that is going to be shown.
func withoutUser(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
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
	return isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// sameSocket reports whether the second of two listeners would find its port taken.
// Port 0 is another one each time.
func sameSocket(a, b Address) bool {
	hostA, portA, _ := SplitAddress(string(a))
	hostB, portB, _ := SplitAddress(string(b))
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
