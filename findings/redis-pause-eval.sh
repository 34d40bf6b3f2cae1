#!/usr/bin/env bash
# Guess:   during CLIENT PAUSE WRITE, with which each FAILOVER starts, everything that only reads gets a
#          reply.
# Reality: GET and PING, the usual health check, get replies; but a script that only reads waits,
#          since EVAL might write, and so do PUBLISH and PFCOUNT. EVAL_RO and a script that starts
#          with "#!lua flags=no-writes" get replies. A health check has to use the command that the
#          program uses.
# Needs:   redis-server 7 or later, redis-cli.
set -euo pipefail
. "$(dirname "$0")/lib/redis.sh"

# Prints whether a command gets a reply within a second.
report() {
    local name=$1
    shift
    if timeout 1 redis-cli -p "$port" "$@" >/dev/null; then echo "$name: reply"; else echo "$name: no reply"; fi
}

cli set k v >/dev/null
cli client pause 60000 WRITE >/dev/null
{
    report PING ping
    report GET get k
    report EVAL eval 'return redis.call("GET", KEYS[1])' 1 k
    report EVAL_RO eval_ro 'return redis.call("GET", KEYS[1])' 1 k
    report 'EVAL with no-writes' eval $'#!lua flags=no-writes\nreturn redis.call("GET", KEYS[1])' 1 k
    report PUBLISH publish channel message
    report PFCOUNT pfcount hyperloglog
} | tee seen

redis-server --version
diff -u - seen <<'EOF'
PING: reply
GET: reply
EVAL: no reply
EVAL_RO: reply
EVAL with no-writes: reply
PUBLISH: no reply
PFCOUNT: no reply
EOF
echo "as seen on 2026-11-27 with Redis 7.0.15"
