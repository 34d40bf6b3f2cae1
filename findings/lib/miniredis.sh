# Sourced by findings that compare miniredis with Redis: redis.sh, and eval_on_both.
. "$(dirname "${BASH_SOURCE[0]}")/redis.sh"

# eval_on_both SCRIPT…: runs Lua scripts on miniredis and on the redis-server, with the key k,
# and prints the name of the server and the reply of each.
eval_on_both() {
    go_module github.com/alicebob/miniredis/v2@v2.40.0 github.com/redis/go-redis/v9@v9.23.0
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
    run_go "127.0.0.1:$port" "$@"
}
