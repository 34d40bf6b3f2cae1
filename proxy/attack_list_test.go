package proxy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// catalogue lists the ids of the attacks, a class a line.
const catalogue = `
AD-02 AD-03 AD-05 AD-06
CF-01 CF-03 CF-04 CF-06 CF-07
CO-01 CO-02 CO-04 CO-05
CR-01 CR-02 CR-04 CR-05 CR-07 CR-08 CR-10 CR-11 CR-13 CR-14 CR-16 CR-17 CR-19
DS-01 DS-02 DS-04 DS-05 DS-07 DS-08 DS-10 DS-11 DS-13 DS-14 DS-16 DS-17 DS-19 DS-20 DS-21
H2-01 H2-03 H2-04 H2-06 H2-07 H2-09 H2-10 H2-12 H2-13 H2-15 H2-16 H2-18
HO-01 HO-03 HO-04 HO-06 HO-07 HO-09 HO-10 HO-12 HO-13 HO-15 HO-16
HS-01 HS-02 HS-04 HS-05 HS-07 HS-08 HS-10 HS-11 HS-13 HS-14 HS-16 HS-17 HS-19 HS-20 HS-22 HS-23 HS-25 HS-26 HS-28 HS-29 HS-31 HS-32 HS-34 HS-35 HS-37 HS-38 HS-40 HS-41 HS-43
JW-01 JW-03 JW-04 JW-06 JW-07 JW-09 JW-10 JW-12 JW-13 JW-15 JW-16 JW-18 JW-19 JW-21 JW-22 JW-24 JW-25 JW-27 JW-28 JW-30 JW-31 JW-33 JW-34 JW-36 JW-37 JW-39 JW-40
LG-01 LG-03 LG-04 LG-06 LG-07 LG-09 LG-10 LG-12 LG-13 LG-15 LG-16 LG-18 LG-19
LO-01 LO-02 LO-04 LO-05
OR-01 OR-03 OR-04 OR-06
PN-01 PN-03 PN-04 PN-06 PN-07 PN-09 PN-10 PN-12 PN-13 PN-15 PN-16 PN-18 PN-19 PN-21 PN-22 PN-24 PN-25 PN-27 PN-28 PN-30 PN-31 PN-33 PN-34 PN-36 PN-37 PN-39 PN-40 PN-42 PN-43 PN-45 PN-46 PN-48
RL-02 RL-03 RL-05 RL-06
RT-01 RT-02 RT-04 RT-05 RT-07
SE-02 SE-03 SE-05 SE-06 SE-08 SE-09 SE-11 SE-12 SE-14 SE-15 SE-17 SE-18 SE-20 SE-21 SE-23
SM-02 SM-03 SM-05 SM-06 SM-08 SM-09 SM-11 SM-12 SM-14 SM-15 SM-17 SM-18 SM-20 SM-21 SM-23 SM-24 SM-26 SM-27 SM-29
SS-01 SS-02 SS-04
TL-02 TL-03 TL-05 TL-06 TL-08
WS-01 WS-03 WS-04 WS-06 WS-07 WS-09 WS-10 WS-12 WS-13
XF-01 XF-03 XF-04 XF-06 XF-07 XF-09 XF-10 XF-12 XF-13 XF-15 XF-16
`

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
	rowName = regexp.MustCompile(`"[A-Z][A-Z0-9]-[0-9]{2}\b[^"]*"`) // of a test
	rowID   = regexp.MustCompile(`\b[A-Z][A-Z0-9]-[0-9]{2}\b`)
)

// TestEveryAttackIsTriedOrExplained holds the catalogue against the files of
// attacks.
func TestEveryAttackIsTriedOrExplained(t *testing.T) {
	tried := map[string]bool{}
	files, err := os.ReadDir(".")
	must(t, err)
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "attack_") || f.Name() == "attack_list_test.go" {
			continue
		}
		source, err := os.ReadFile(f.Name())
		must(t, err)
		for _, name := range rowName.FindAllString(string(source), -1) {
			for _, id := range rowID.FindAllString(name, -1) {
				tried[id] = true
			}
		}
	}
	for id := range strings.FieldsSeq(catalogue) {
		if why := elsewhere[id]; tried[id] == (why != "") {
			t.Errorf("%s: tried here: %v, explained: %q", id, tried[id], why)
		}
		delete(tried, id)
	}
	for id := range tried {
		t.Errorf("%s is not in the catalogue", id)
	}
}
