package proxy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// elsewhere says of the attacks that are not tried against the public
// listener's HTTP why, or where they are.
var elsewhere = map[string]string{
	"AD-02": "of the private listener: package admin",
	"AD-03": "of the private listener: package admin",
	"AD-05": "of the private listener: package admin",
	"AD-06": "of the private listener: package admin",
	"CO-04": "of the private listener: package admin",
	"CO-05": "no call is protected by its origin: a token in a header is no ambient authority",

	"CF-01": "of the config file: cmd/wxgate",
	"CF-03": "of the config file: cmd/wxgate",
	"CF-04": "routes are segment prefixes, there are no expressions to get wrong",
	"CF-06": "of reloads: cmd/wxgate",
	"CF-07": "of the config file: cmd/wxgate",

	"CR-14": "no cookie carries a session, so none is cleared",
	"CR-17": "tokens are not read from queries (CR-04), so no Referer shows one",

	"DS-20": "other tests run beside it: what is left behind is looked at by the tests of tunnels and of groups",

	"HS-43": "of a backend's own check of the signed assertion: the samples in docs",
	"H2-15": "of an HTTP/2 backend: net/http's client, in package upstream",
	"H2-16": "one certificate and one policy for all hosts: nothing to confuse by sharing a connection",
	"H2-18": "no rule reads a body",

	"JW-03": "secrets of the config file: cmd/wxgate",
	"JW-09": "signed with the store's own key: package session",
	"JW-10": "signed with the store's own key: package session",
	"JW-12": "signed with the store's own key: package session",
	"JW-13": "signed with the store's own key: package session",
	"JW-16": "signed with the store's own key: package session",
	"JW-21": "signed with the store's own key: package session",
	"JW-22": "signed with the store's own key: package session",
	"JW-25": "roles belong to a session for its life; ending it is how they are taken away (SE-09)",
	"JW-28": "the gateway reads nobody's key set",
	"JW-36": "of the clock: package session",
	"JW-37": "of a backend's own check of the signed assertion: the samples in docs",
	"JW-40": "of a backend's own check of the signed assertion: the samples in docs",

	"LG-06": "of WeChat's answers: package wechat, and TestWeChatsErrorsMeanWhatTheyShould",
	"LG-07": "of WeChat's answers: package wechat, and TestWeChatsErrorsMeanWhatTheyShould",
	"LG-10": "nothing counts failures by a name that a client chooses: limits are by address",
	"LG-12": "of the way to WeChat, its limit and its breaker: package wechat",
	"LG-13": "WeChat's address is the config's; no part of a request reaches it but the code",

	"OR-03": "the gateway redirects nowhere",
	"OR-04": "the gateway redirects nowhere",

	"PN-45": "TestWhatPassesAsOpenIsNothingElseToAnyBackend",
	"PN-48": "routes are a table that check prints, not a tree of handlers",

	"SE-08": "of the clock: package session",
	"SE-12": "of a bad network to Redis: package session",
	"SE-15": "of keys in Redis: package session",
	"SE-17": "of sealed values in Redis: package session",
	"SE-21": "of the number of a user's sessions: package session",
	"SE-23": "of the way to Redis: package session, cmd/wxgate",

	"SS-04": "the gateway fetches no address that it was sent; WeChat's redirects are package wechat's",

	"TL-02": "no client certificates are asked for",
	"TL-06": "there is no early data: no HTTP/3, and crypto/tls has none",
	"TL-08": "of crypto/tls, which bounds both since go1.26.6",

	"WS-13": "TestStreamsAreFlushedAtOnce; nothing is compressed on the way",

	"XF-13": "the PROXY protocol is not spoken",
	"XF-15": "the PROXY protocol is not spoken",
	"XF-16": "only TCP is listened on; a peer without an address is nobody's trusted proxy",
}

var (
	attackRow = regexp.MustCompile(`(?m)^\| ([A-Z][A-Z0-9]-[0-9]{2}) \|`)
	rowName   = regexp.MustCompile(`"[A-Z][A-Z0-9]-[0-9]{2}\b[^"]*"`) // of a test
	rowID     = regexp.MustCompile(`\b[A-Z][A-Z0-9]-[0-9]{2}\b`)
)

// catalogue gives the ids of docs/attacks.md.
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

// TestEveryAttackIsTriedOrExplained holds the catalogue of docs/attacks.md
// against the files of attacks.
func TestEveryAttackIsTriedOrExplained(t *testing.T) {
	tried := map[string]bool{}
	files, err := os.ReadDir(".")
	testkit.Must(t, err)
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "attack_") || f.Name() == "attack_list_test.go" {
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
		if why := elsewhere[id]; tried[id] == (why != "") {
			t.Errorf("%s: tried here: %v, explained: %q", id, tried[id], why)
		}
		delete(tried, id)
	}
	for id := range tried {
		t.Errorf("%s is not in the catalogue", id)
	}
}
