# Sourced by findings about Redis: makes a temporary folder, $dir, and starts a redis-server
# that ends with the script. cli is its redis-cli.
dir=$(mktemp -d)
trap '[ ! -s "$dir/pid" ] || kill "$(cat "$dir/pid")"; rm -rf "$dir"' EXIT
cd "$dir"
port=$((20000 + RANDOM % 5000))
redis-server --bind 127.0.0.1 --port "$port" --save '' --daemonize yes --pidfile "$dir/pid" >/dev/null
cli() { redis-cli -p "$port" "$@"; }
until cli ping >/dev/null 2>&1; do sleep 0.1; done
