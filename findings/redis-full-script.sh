#!/usr/bin/env bash
# Guess:   on a Redis that is full (maxmemory, noeviction) a script may delete and may not write,
#          however it is written.
# Reality: that depends on its first line and its first command. A script that only deletes runs;
#          with "#!lua" on top it is refused whole, unless it says allow-oom. A script that
#          writes is refused, but one that deletes something first writes all it likes
#          behind that: memory is looked at before the first change only.
# Needs:   redis-server 7 or later, redis-cli.
set -euo pipefail

lib=$(cd "$(dirname "$0")/lib" && pwd)
. "$lib/redis.sh"

# Prints whether a script runs on a full server. a and b are there before each.
try() {
    cli config set maxmemory 0 >/dev/null
    cli mset a 1 b 1 >/dev/null
    cli config set maxmemory 1 >/dev/null
    case $(cli eval "$2" 2 a b 2>&1) in
        *OOM*) echo "$1: refused" ;;
        *) echo "$1: runs" ;;
    esac
}

{
    try 'deletes' 'return redis.call("DEL", KEYS[1])'
    try 'deletes, #!lua' $'#!lua\nreturn redis.call("DEL", KEYS[1])'
    try 'deletes, allow-oom' $'#!lua flags=allow-oom\nreturn redis.call("DEL", KEYS[1])'
    try 'writes' 'return redis.call("SET", KEYS[2], "x")'
    try 'deletes, then writes' 'redis.call("DEL", KEYS[1]) return redis.call("SET", KEYS[2], string.rep("x", 100000))'
} | tee seen

redis-server --version
diff -u - seen <<'EOF'
deletes: runs
deletes, #!lua: refused
deletes, allow-oom: runs
writes: refused
deletes, then writes: runs
EOF
echo "as seen on 2026-11-27 with Redis 7.0.15"
