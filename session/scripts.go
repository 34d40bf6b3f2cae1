package session

import (
	"embed"

	"github.com/redis/go-redis/v9"
)

// script is one change of the data. Redis runs it whole or not at all, so that
// nothing is ever half done, and the event that tells the instances is a part
// of it. All keys of a script carry one hash tag. Each may be run twice with
// the same arguments, since a reply may get lost and the client ask again.
type script struct {
	*redis.Script
	name string
}

//go:embed lua/*.lua
var scriptFiles embed.FS

var (
	loadSessionScript      = newScript("load_session")
	loginScript            = newScript("login")
	endSessionScript       = newScript("end_session")
	endUserSessionsScript  = newScript("end_user_sessions")
	renewTokenScript       = newScript("renew_token")
	touchSessionScript     = newScript("touch_session")
	resealSessionKeyScript = newScript("reseal_session_key")
	latestSessionKeyScript = newScript("latest_session_key")
	loadUserScript         = newScript("load_user")
	updateUserScript       = newScript("update_user")
	saveJarScript          = newScript("save_jar")
	claimLoginCodeScript   = newScript("claim_login_code")
	finishLoginCodeScript  = newScript("finish_login_code")
	acquireLockScript      = newScript("acquire_lock")
	releaseLockScript      = newScript("release_lock")
	rateLimitScript        = newScript("rate_limit")
	claimPushScript        = newScript("claim_push")
	finishPushScript       = newScript("finish_push")
)

func newScript(name string) script {
	source, err := scriptFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // only for a name that is not among the embedded files
	}
	return script{redis.NewScript(string(source)), name}
}
