package session

import (
	"embed"

	"github.com/redis/go-redis/v9"
)

// script is a Lua script that changes or reads data atomically. It may run twice with
// the same arguments: if a reply is lost, the client repeats the call.
//
// Proxies in front of a cluster read a script before they run it, to find its slot:
// the key of every command is literally KEYS[n], all keys have one hash tag, and there
// is no PUBLISH, no unpack, no call within a call. So events are published after the
// script, by Store.publish.
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
