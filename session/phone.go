package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Phone is a phone number as in WeChat's response.
type Phone struct {
	Number      string // with the country code, unless that is 86
	PureNumber  string
	CountryCode string
}

// String returns the form that is stored in Redis. With its MAC it has less than 64
// bytes: a hash with a longer value needs twice the memory.
func (p Phone) String() string {
	if p == (Phone{}) {
		return ""
	}
	return p.Number + "\n" + p.PureNumber + "\n" + p.CountryCode
}

var errPhone = errors.New("a phone number of an unknown form")

func parsePhone(text string) (Phone, error) {
	if text == "" {
		return Phone{}, nil
	}
	parts := strings.Split(text, "\n")
	if len(parts) != 3 {
		return Phone{}, errPhone
	}
	return Phone{parts[0], parts[1], parts[2]}, nil
}

func readPhone(text string, number *string) error {
	p, err := parsePhone(text)
	*number = p.Number
	return err
}

// check refuses a number that parsePhone could not parse.
func (p Phone) check() error {
	if p.Number == "" || strings.Contains(p.Number+p.PureNumber+p.CountryCode, "\n") {
		return errPhone
	}
	return nil
}

// SetPhone stores the user's number. On every instance, the user's sessions have it
// from their next request on.
func (s *Store) SetPhone(ctx context.Context, session *Session, phone Phone) error {
	if err := phone.check(); err != nil {
		return err
	}
	tag := tagOf(session.ID)
	stored := s.config.Load().keys.signField(s.keys.user(tag), "p", phone.String())
	set := &call{script: setPhoneScript, keys: []string{s.keys.user(tag), s.keys.sessions(tag)}, args: []any{stored}}
	s.redis.runAll(ctx, append(s.indexCalls(tag, session.AppID, fact{byPhone, phone.Number}), set))
	if set.err != nil {
		return set.err
	}
	changed, ok := set.reply.([]any)
	if !ok {
		return fmt.Errorf("%w: the user of the session is gone", ErrUnavailable)
	}
	s.publish(ctx, sessionEvent(eventChanged, tag, changed))
	return nil
}
