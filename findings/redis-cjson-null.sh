#!/usr/bin/env bash
# Guess:   in a script, cjson.decode('{"phone":null}').phone is nil, as a member that
#          isn't there would be, and an empty table is encoded alike everywhere.
# Reality: on Redis a null becomes cjson.null, a userdata that counts as true: "if user.phone"
#          takes the branch of those who have one. miniredis gives nil. An empty table is {}
#          for Redis and [] for miniredis: a field that is an object for one is a list for the other.
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
			`if cjson.decode('{"phone":null}').phone then return "has a phone" else return "has none" end`,
			`return cjson.encode({})`,
		} {
			reply, err := client.Eval(context.Background(), script, nil).Text()
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
miniredis has none
miniredis []
redis has a phone
redis {}
EOF
echo "as seen on 2026-11-27 with miniredis 2.40.0 and Redis 7.0.15"
