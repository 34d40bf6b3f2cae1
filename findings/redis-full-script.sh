#!/usr/bin/env bash
# Guess:   on a full Redis (maxmemory, noeviction) a script may delete but not write, whatever its
#          form.
# Reality: that depends on its first line and its first command. A script that only deletes runs; if
#          it starts with "#!lua" without allow-oom, Redis refuses it. A script that writes is
#          refused, but one that deletes something first may write any amount after that: Redis
#          checks its memory only before the first change.
# Needs:   redis-server 7 or later, redis-cli.
set -euo pipefail
. "$(dirname "$0")/lib/redis.sh"

# Prints whether a script runs on a full server with the keys a and b.
report() {
    cli config set maxmemory 0 >/dev/null
    cli mset a 1 b 1 >/dev/null
    cli config set maxmemory 1 >/dev/null
    case $(cli eval "$2" 2 a b 2>&1) in
        *OOM*) echo "$1: refused" ;;
        *) echo "$1: runs" ;;
    esac
}

{
    report 'deletes' 'return redis.call("DEL", KEYS[1])'
    report 'deletes, #!lua' $'#!lua\nreturn redis.call("DEL", KEYS[1])'
    report 'deletes, allow-oom' $'#!lua flags=allow-oom\nreturn redis.call("DEL", KEYS[1])'
    report 'writes' 'return redis.call("SET", KEYS[2], "x")'
    report 'deletes, then writes' 'redis.call("DEL", KEYS[1]) return redis.call("SET", KEYS[2], string.rep("x", 100000))'
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
