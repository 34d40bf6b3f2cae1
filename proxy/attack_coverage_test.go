package proxy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// testedElsewhere lists the attacks that the attack_*_test.go files of this package do not
// try, with the reason or the place of the test.
var testedElsewhere = map[string]string{
	"AD-02": "of the private listener: package admin",
	"AD-03": "of the private listener: package admin",
	"AD-05": "of the private listener: package admin",
	"AD-06": "of the private listener: package admin",
	"CO-04": "of the private listener: package admin",
	"CO-05": "no call is protected by its origin: browsers do not add a token in a header by themselves",

	"CF-01": "of the config file: cmd/wxgate",
	"CF-03": "of the config file: cmd/wxgate",
	"CF-04": "routes are segment prefixes, there are no regular expressions",
	"CF-06": "of reloads: cmd/wxgate",
	"CF-07": "of the config file: cmd/wxgate",

	"CR-14": "no cookie carries a session, so none is cleared",
	"CR-17": "tokens are not read from queries (CR-04), so no Referer shows one",

	"DS-20": "other tests run at the same time: the tests of tunnels and groups check for leaks",

	"HS-43": "of a backend's own check of the signed assertion: the samples in docs",
	"H2-15": "of an HTTP/2 backend: net/http's client, in package upstream",
	"H2-16": "one certificate and one policy for all hosts: requests on a shared connection can't be confused",
	"H2-18": "no rule reads a body",

	"JW-03": "secrets of the config file: cmd/wxgate",
	"JW-09": "signed with the store's own key: package session",
	"JW-10": "signed with the store's own key: package session",
	"JW-12": "signed with the store's own key: package session",
	"JW-13": "signed with the store's own key: package session",
	"JW-16": "signed with the store's own key: package session",
	"JW-21": "signed with the store's own key: package session",
	"JW-22": "signed with the store's own key: package session",
	"JW-25": "a session keeps its roles; an operator removes them by ending it (SE-09)",
	"JW-28": "the gateway reads no external key set",
	"JW-36": "of the clock: package session",
	"JW-37": "of a backend's own check of the signed assertion: the samples in docs",
	"JW-40": "of a backend's own check of the signed assertion: the samples in docs",

	"LG-06": "of WeChat's responses: package wechat, and TestWeChatErrorsMapToErrorCodes",
	"LG-07": "of WeChat's responses: package wechat, and TestWeChatErrorsMapToErrorCodes",
	"LG-10": "nothing counts failures by a name that a client chooses: limits are by address",
	"LG-12": "of the calls to WeChat, their limit and circuit breaker: package wechat",
	"LG-13": "WeChat's address is configured; only the code of a request is sent there",

	"OR-03": "the gateway sends no redirects",
	"OR-04": "the gateway sends no redirects",

	"PN-45": "TestPublicPathIsNeverAProtectedPathForABackend",
	"PN-48": "routes are a table that check prints, not a tree of handlers",

	"SE-08": "of the clock: package session",
	"SE-12": "of an unreliable network to Redis: package session",
	"SE-15": "of keys in Redis: package session",
	"SE-17": "of sealed values in Redis: package session",
	"SE-21": "of the number of a user's sessions: package session",
	"SE-23": "of the connection to Redis: package session, cmd/wxgate",

	"SS-04": "the gateway fetches no URL from a request; WeChat's redirects are package wechat's",

	"TL-02": "client certificates are not requested",
	"TL-06": "there is no early data: no HTTP/3, and crypto/tls has none",
	"TL-08": "of crypto/tls, which bounds both since go1.26.6",

	"WS-13": "TestStreamsAreFlushedAtOnce; the gateway does not compress",

	"XF-13": "the PROXY protocol is not supported",
	"XF-15": "the PROXY protocol is not supported",
	"XF-16": "the listeners are TCP; a peer without an address is never a trusted proxy",
}

var (
	attackRow = regexp.MustCompile(`(?m)^\| ([A-Z][A-Z0-9]-[0-9]{2}) \|`)
	rowName   = regexp.MustCompile(`"[A-Z][A-Z0-9]-[0-9]{2}\b[^"]*"`) // of a test
	rowID     = regexp.MustCompile(`\b[A-Z][A-Z0-9]-[0-9]{2}\b`)
)

// catalogue returns the ids of docs/attacks.md.
func catalogue(t *testing.T) []string {
	t.Helper()
	table, err := os.ReadFile("../docs/attacks.md")
	testkit.Must(t, err)
	var ids []string
	for _, row := range attackRow.FindAllStringSubmatch(string(table), -1) {
		ids = append(ids, row[1])
	}
	if len(ids) < 200 {
		t.Fatalf("docs/attacks.md has %d rows", len(ids))
	}
	return ids
}

// Each row of docs/attacks.md has a subtest of its name here, or an entry in
// testedElsewhere.
func TestEveryAttackIsTriedOrExplained(t *testing.T) {
	tried := map[string]bool{}
	files, err := os.ReadDir(".")
	testkit.Must(t, err)
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "attack_") || f.Name() == "attack_coverage_test.go" {
			continue
		}
		source, err := os.ReadFile(f.Name())
		testkit.Must(t, err)
		for _, name := range rowName.FindAllString(string(source), -1) {
			for _, id := range rowID.FindAllString(name, -1) {
				tried[id] = true
			}
		}
	}
	for _, id := range catalogue(t) {
		if reason := testedElsewhere[id]; tried[id] == (reason != "") {
			t.Errorf("%s: tried here: %v, explained: %q", id, tried[id], reason)
		}
		delete(tried, id)
	}
	for id := range tried {
		t.Errorf("%s is not in the catalogue", id)
	}
}
