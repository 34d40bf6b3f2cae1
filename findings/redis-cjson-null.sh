#!/usr/bin/env bash
# Guess:   in a script, cjson.decode('{"phone":null}').phone is nil, as a member that
#          isn't there would be, and an empty table is encoded alike everywhere.
# Reality: on Redis a null becomes cjson.null, a userdata that counts as true: "if user.phone"
#          takes the branch of those who have one. miniredis gives nil. An empty table is {}
#          for Redis and [] for miniredis: a field that is an object for one is a list for the other.
# Needs:   go, redis-server.
set -euo pipefail

lib=$(cd "$(dirname "$0")/lib" && pwd)
. "$lib/redis.sh"
. "$lib/miniredis.sh"

eval_on_both \
    'if cjson.decode("{\"phone\":null}").phone then return "has a phone" else return "has none" end' \
    'return cjson.encode({})' | tee seen

redis-server --version
diff -u - seen <<'EOF'
miniredis has none
miniredis []
redis has a phone
redis {}
EOF
echo "as seen on 2026-11-27 with miniredis 2.40.0 and Redis 7.0.15"
