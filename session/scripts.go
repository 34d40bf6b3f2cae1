package session

import (
	"embed"

	"github.com/redis/go-redis/v9"
)

// script is one change of the data. Redis runs it whole or not at all, so that
// nothing is ever half done. Each may be run twice with the same arguments, since
// a reply may get lost and the client send it again.
//
// Clusters behind a proxy read a script before they run it, to be sure of its
// slot: every command's key is literally KEYS[n], all keys carry one hash tag,
// and there is no PUBLISH, no unpack, no call within a call. The events that tell
// the instances are therefore published after the script, by publish.
type script struct {
	*redis.Script
	name string
}

//go:embed lua/*.lua
var scriptFiles embed.FS

var (
	loadSessionScript     = newScript("load_session")
	loginScript           = newScript("login")
	endSessionScript      = newScript("end_session")
	endUserSessionsScript = newScript("end_user_sessions")
	endAppSessionsScript  = newScript("end_app_sessions")
	renewTokenScript      = newScript("renew_token")
	touchSessionScript    = newScript("touch_session")
	replaceFieldScript    = newScript("replace_field")
	loadUserScript        = newScript("load_user")
	setPhoneScript        = newScript("set_phone")
	setProfileScript      = newScript("set_profile")
	saveJarScript         = newScript("save_jar")
	claimLoginCodeScript  = newScript("claim_login_code")
	finishLoginCodeScript = newScript("finish_login_code")
	acquireLockScript     = newScript("acquire_lock")
	releaseLockScript     = newScript("release_lock")
	rateLimitScript       = newScript("rate_limit")
	probeScript           = newScript("probe")
	redeemTicketScript    = newScript("redeem_ticket")
	claimPushScript       = newScript("claim_push")
	finishPushScript      = newScript("finish_push")
)

func newScript(name string) script {
	source, err := scriptFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // only for a name that is not among the embedded files
	}
	return script{redis.NewScript(string(source)), name}
}
