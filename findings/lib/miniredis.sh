# Sourced after redis.sh: eval_on_both runs scripts on miniredis and on the redis-server, and
# prints each reply behind the server's name. Every script gets the key k.
eval_on_both() {
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
	inProcess, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	for _, server := range []struct{ name, addr string }{{"miniredis", inProcess.Addr()}, {"redis", os.Args[1]}} {
		client := redis.NewClient(&redis.Options{Addr: server.addr})
		for _, script := range os.Args[2:] {
			reply, err := client.Eval(context.Background(), script, []string{"k"}).Text()
			if err != nil {
				panic(err)
			}
			fmt.Println(server.name, reply)
		}
	}
}
EOF
    GOFLAGS=-mod=mod go run . "127.0.0.1:$port" "$@" 2>log || { cat log >&2; return 1; }
}
