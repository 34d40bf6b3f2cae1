package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrProxy is returned for a server that accepts plain commands, but not scripts or
// publish/subscribe.
var ErrProxy = errors.New("a proxy without Lua scripts or publish/subscribe (such as twemproxy) can't be used: " +
	"give the address of Redis itself, or of a proxy that has both")

// ErrAdvice is wrapped by errors that say what to change in the configuration.
var ErrAdvice = errors.New("see the configuration")

// advice is an error with a text for the operator, on one line.
type advice struct {
	text string
	err  error
}

func (a *advice) Error() string {
	return fmt.Sprintf("%s (%s)", a.text, strings.Join(strings.Fields(a.err.Error()), " "))
}

func (a *advice) Unwrap() []error { return []error{ErrAdvice, a.err} }

// Diagnose returns why a Redis that responds can't be used, in words for an operator:
// it tries one after the other what a Store needs. It returns nil if all of it works.
// Other errors are those of the server or the network, with the step that failed.
func Diagnose(ctx context.Context, c RedisConfig) error {
	if len(c.Addrs) == 0 {
		return nil // the in-process store
	}
	redis.SetLogger(noLogger{})
	if err := diagnoseSentinels(ctx, c); err != nil {
		return err
	}
	client := newClient(c)
	defer client.Close()
	key, channel := keys{c.KeyPrefix}.probe("diagnose"), keys{c.KeyPrefix}.heartbeat(newID())
	if err := client.Get(ctx, key).Err(); err != nil && !isMissing(err) {
		return fmt.Errorf("GET: %w", passwordAdvice(err, "Redis", "redis.username", "redis.password"))
	}
	for _, step := range []struct {
		name string
		try  func() error
	}{
		{"EVAL of a Lua script", func() error {
			return probeScript.Eval(ctx, client, []string{key}, "", probeTTL.Milliseconds()).Err()
		}},
		{"SUBSCRIBE", func() error {
			sub := client.Subscribe(ctx, channel)
			defer sub.Close()
			return awaitSubscribed(ctx, sub)
		}},
		{"PUBLISH", func() error { return client.Publish(ctx, channel, "").Err() }},
	} {
		if err := step.try(); err != nil {
			return fmt.Errorf("%s: %w", step.name, refusedByProxy(err))
		}
	}
	return nil
}

// diagnoseSentinels queries each Sentinel for the master until one knows it: one is
// enough for the client.
func diagnoseSentinels(ctx context.Context, c RedisConfig) error {
	if c.MasterName == "" {
		return nil
	}
	var first error
	for _, addr := range c.Addrs {
		err := checkSentinel(ctx, c, addr)
		if err == nil {
			return nil
		}
		if first == nil || !errors.Is(first, ErrAdvice) && errors.Is(err, ErrAdvice) {
			first = err
		}
	}
	return first
}

func checkSentinel(ctx context.Context, c RedisConfig, addr string) error {
	options := clientOptions(c).Simple()
	options.Addr, options.DB, options.Username, options.Password = addr, 0, c.SentinelUsername, c.SentinelPassword.Reveal()
	client := redis.NewSentinelClient(options)
	defer client.Close()
	err := client.GetMasterAddrByName(ctx, c.MasterName).Err()
	name := "Sentinel " + addr
	switch {
	case err == nil:
		return nil
	case isMissing(err):
		return &advice{fmt.Sprintf("%s knows no master %q: redis.master_name is the name after `sentinel monitor`", name, c.MasterName), err}
	case redis.HasErrorPrefix(err, "unknown command"):
		return &advice{addr + " is a Redis server and no Sentinel: give the Sentinels' addresses, or leave redis.master_name out", err}
	}
	if advised := passwordAdvice(err, name, "redis.sentinel_username", "redis.sentinel_password"); advised != err {
		return advised
	}
	return fmt.Errorf("%s: %w", name, err)
}

// passwordAdvice returns an advice that names the configuration's keys, if err is the
// server's refusal of user or password; else err.
func passwordAdvice(err error, server, user, password string) error {
	switch {
	case redis.HasErrorPrefix(err, "NOAUTH"):
		return &advice{server + " asks for a password: set " + password, err}
	case redis.HasErrorPrefix(err, "WRONGPASS"):
		return &advice{fmt.Sprintf("%s refuses %s or %s", server, user, password), err}
	case redis.HasErrorPrefix(err, "AUTH <password> called without"):
		return &advice{server + " has no password: leave " + password + " out, or set one there", err}
	}
	return err
}

// refusedByProxy returns ErrProxy if the server, which accepted other commands,
// doesn't know this one or closes the connection; else err.
func refusedByProxy(err error) error {
	var reply redis.Error
	unknown := errors.As(err, &reply) && strings.Contains(strings.ToLower(reply.Error()), "command") &&
		!redis.HasErrorPrefix(err, "NOPERM")
	if unknown || connectionClosed(err) {
		return fmt.Errorf("%w (%w)", ErrProxy, err)
	}
	return err
}
