#!/usr/bin/env bash
# Guess:   a Lua script that passes on miniredis writes the same numbers on a real Redis.
# Reality: Redis's Lua 5.1 turns a number into text with 14 digits: tostring, ".." and
#          cjson.encode make 1.7642304001235e+15 of the microseconds 1764230400123456.
#          miniredis (gopher-lua) keeps all digits, so that a test doesn't see the loss.
#          An argument of redis.call keeps 17 digits on both.
# Needs:   go, redis-server.
set -euo pipefail

dir=$(mktemp -d)
trap '[ ! -s "$dir/pid" ] || kill "$(cat "$dir/pid")"; rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'EOF'
module finding

go 1.26

require (
	github.com/alicebob/miniredis/v2 v2.40.0
	github.com/redis/go-redis/v9 v9.23.0
)
EOF
cat >main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func main() {
	fake, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	for _, server := range []struct{ name, addr string }{{"miniredis", fake.Addr()}, {"redis", os.Args[1]}} {
		client := redis.NewClient(&redis.Options{Addr: server.addr})
		for _, script := range []string{
			`return tostring(1764230400123456)`,
			`return "" .. 1764230400123456`,
			`return cjson.encode({t = 1764230400123456})`,
			`redis.call("SET", KEYS[1], 1764230400123456) return redis.call("GET", KEYS[1])`,
		} {
			reply, err := client.Eval(context.Background(), script, []string{"k"}).Text()
			if err != nil {
				panic(err)
			}
			fmt.Println(server.name, reply)
		}
	}
}
EOF

port=$((20000 + RANDOM % 5000))
redis-server --bind 127.0.0.1 --port "$port" --save '' --daemonize yes --pidfile "$dir/pid" >/dev/null
until redis-cli -p "$port" ping >/dev/null 2>&1; do sleep 0.1; done
GOFLAGS=-mod=mod go run . "127.0.0.1:$port" 2>"$dir/log" | tee seen || { cat "$dir/log"; exit 1; }

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
