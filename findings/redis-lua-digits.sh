#!/usr/bin/env bash
# Guess:   a Lua script writes the same numbers on miniredis and on Redis.
# Reality: Lua 5.1 in Redis converts a number to text with 14 digits: tostring, ".." and cjson.encode
#          turn the microseconds 1764230400123456 into 1.7642304001235e+15. miniredis (gopher-lua)
#          keeps all digits, so that a test doesn't show the loss. An argument of redis.call keeps 17
#          digits on both.
# Needs:   go, redis-server.
set -euo pipefail
. "$(dirname "$0")/lib/miniredis.sh"

eval_on_both \
    'return tostring(1764230400123456)' \
    'return "" .. 1764230400123456' \
    'return cjson.encode({t = 1764230400123456})' \
    'redis.call("SET", KEYS[1], 1764230400123456) return redis.call("GET", KEYS[1])' | tee seen

redis-server --version
diff -u - seen <<'EOF'
miniredis 1764230400123456
miniredis 1764230400123456
miniredis {"t":1764230400123456}
miniredis 1764230400123456
redis 1.7642304001235e+15
redis 1.7642304001235e+15
redis {"t":1.7642304001235e+15}
redis 1764230400123456
EOF
echo "as seen on 2026-11-27 with miniredis 2.40.0 and Redis 7.0.15"
