package session

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// One script a change: Redis runs each whole or not at all, so that nothing is
// ever half done, and the event that tells the instances is a part of it. All
// keys of a script carry one hash tag. Each bears being run twice, since an
// answer may get lost and the client ask again.
type script struct {
	*redis.Script
	name string
}

//go:embed lua/load.lua
var loadLua string

//go:embed lua/login.lua
var loginLua string

//go:embed lua/end.lua
var endLua string

//go:embed lua/endall.lua
var endAllLua string

//go:embed lua/renew.lua
var renewLua string

//go:embed lua/touch.lua
var touchLua string

//go:embed lua/reseal.lua
var resealLua string

//go:embed lua/user.lua
var userLua string

//go:embed lua/latest.lua
var latestLua string

//go:embed lua/change.lua
var changeLua string

//go:embed lua/savejar.lua
var saveJarLua string

//go:embed lua/claim.lua
var claimLua string

//go:embed lua/settle.lua
var settleLua string

//go:embed lua/lock.lua
var lockLua string

//go:embed lua/unlock.lua
var unlockLua string

//go:embed lua/limit.lua
var limitLua string

var (
	loadScript    = script{redis.NewScript(loadLua), "load"}
	loginScript   = script{redis.NewScript(loginLua), "login"}
	endScript     = script{redis.NewScript(endLua), "end"}
	endAllScript  = script{redis.NewScript(endAllLua), "end_all"}
	renewScript   = script{redis.NewScript(renewLua), "renew"}
	touchScript   = script{redis.NewScript(touchLua), "touch"}
	resealScript  = script{redis.NewScript(resealLua), "reseal"}
	userScript    = script{redis.NewScript(userLua), "user"}
	latestScript  = script{redis.NewScript(latestLua), "latest"}
	changeScript  = script{redis.NewScript(changeLua), "change"}
	saveJarScript = script{redis.NewScript(saveJarLua), "save_jar"}
	claimScript   = script{redis.NewScript(claimLua), "claim"}
	settleScript  = script{redis.NewScript(settleLua), "settle"}
	lockScript    = script{redis.NewScript(lockLua), "lock"}
	unlockScript  = script{redis.NewScript(unlockLua), "unlock"}
	limitScript   = script{redis.NewScript(limitLua), "limit"}
)
