#!/usr/bin/env bash
# Guess:   in a script, cjson.decode('{"phone":null}').phone is nil, like a missing member, and an
#          empty table is encoded alike everywhere.
# Reality: Redis decodes null as cjson.null, a userdata that is true in a condition, so that
#          "if user.phone" holds. miniredis decodes it as nil. Redis encodes an empty table as {} and
#          miniredis as []: the same field is an object on one and a list on the other.
# Needs:   go, redis-server.
set -euo pipefail
. "$(dirname "$0")/lib/miniredis.sh"

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
