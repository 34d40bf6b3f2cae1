package wechat

import (
	"errors"
	"net/netip"
	"strings"

	"go.uber.org/zap"
)

// Hint says what the operator can do about the error; "": nothing.
func (e *Error) Hint() string {
	switch e.Code {
	case codeBadAppID:
		return "WeChat doesn't know this appid: correct it in the configuration"
	case codeBadSecret:
		return "the AppSecret is wrong or was reset: put the one from the WeChat console (development settings) into the configuration"
	case codeBadIP:
		return e.ipHint()
	case codeSecretFrozen:
		return "the AppSecret is frozen: unfreeze it in the WeChat console (development settings)"
	case codeQuota:
		return "the daily quota is used up: ask WeChat for a higher one, or clear it in the WeChat console"
	case codeNotAuthorised:
		return "the app has no permission for this API: get it in the WeChat console"
	}
	if e.API == apiStableToken && e.Code == codeBadCredential {
		return "the AppSecret is wrong or was reset: put the one from the WeChat console (development settings) into the configuration"
	}
	if errors.Is(e, ErrMisconfigured) {
		return "look the rid of the message up within seven days in the WeChat console or with /cgi-bin/openapi/rid/get"
	}
	return ""
}

func (e *Error) ipHint() string {
	ip := e.IP()
	if ip == "" {
		ip = "of this gateway"
	}
	return "add the address " + ip + " to the IP whitelist of the app in the WeChat console (development settings)"
}

// IP returns the address in the message of errcode 40164, by which WeChat refuses calls
// from addresses outside of the IP whitelist; "" if it has none.
func (e *Error) IP() string {
	for word := range strings.FieldsSeq(e.Message) {
		word = strings.Trim(word, ",;.()[]")
		if addr, err := netip.ParseAddr(word); err == nil {
			return addr.Unmap().String()
		}
	}
	return ""
}

// logOperatorError logs an error that has a Hint.
func (c *Client) logOperatorError(a *app, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Hint() == "" {
		return
	}
	fields := []zap.Field{
		zap.String("appid", a.ID), zap.String("api", e.API), zap.Int("errcode", e.Code),
		zap.String("errmsg", e.Message), zap.String("do", e.Hint()),
	}
	if e.Code == codeBadIP {
		fields = append(fields, zap.String("ip", e.IP()))
	}
	c.log.Error("wechat refused a call: operator action required", fields...)
}
