// Package httprule holds the rules that the configuration and both listeners
// must agree on: which request targets, hosts and header names are accepted,
// which headers the gateway sets, which methods it forwards, and which roles and
// user ids are valid. Each rule is defined once, so that "wxgate check" can't
// accept what the gateway refuses.
//
// The package imports nothing of the module. Its functions return a bool or a
// plain error; the caller chooses the response.
package httprule
