#!/usr/bin/env bash
# Guess:   while CLIENT PAUSE WRITE is in force (each FAILOVER begins with it) what only reads goes on.
# Reality: GET answers, and so does PING, by which clients and load balancers judge a server; but
#          a script that only reads hangs, since EVAL might write, and PUBLISH and PFCOUNT hang too.
#          EVAL_RO and a script that begins with "#!lua flags=no-writes" go on. A health check
#          has to do what the program will do.
# Needs:   redis-server 7 or later, redis-cli.
set -euo pipefail

lib=$(cd "$(dirname "$0")/lib" && pwd)
. "$lib/redis.sh"

# Prints whether a command is answered within a second.
try() {
    local name=$1
    shift
    if timeout 1 redis-cli -p "$port" "$@" >/dev/null; then echo "$name: answers"; else echo "$name: hangs"; fi
}

cli set k v >/dev/null
cli client pause 60000 WRITE >/dev/null
{
    try PING ping
    try GET get k
    try EVAL eval 'return redis.call("GET", KEYS[1])' 1 k
    try EVAL_RO eval_ro 'return redis.call("GET", KEYS[1])' 1 k
    try 'EVAL with no-writes' eval $'#!lua flags=no-writes\nreturn redis.call("GET", KEYS[1])' 1 k
    try PUBLISH publish channel message
    try PFCOUNT pfcount hyperloglog
} | tee seen

redis-server --version
diff -u - seen <<'EOF'
PING: answers
GET: answers
EVAL: hangs
EVAL_RO: answers
EVAL with no-writes: answers
PUBLISH: hangs
PFCOUNT: hangs
EOF
echo "as seen on 2026-11-27 with Redis 7.0.15"
