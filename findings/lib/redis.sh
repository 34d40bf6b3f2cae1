# Sourced by findings about Redis: common.sh, and a redis-server that is killed when the script
# ends. cli is its redis-cli, and $port its port.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
trap '[ ! -s "$dir/pid" ] || kill "$(cat "$dir/pid")"; rm -rf "$dir"' EXIT
port=$((20000 + RANDOM % 5000))
redis-server --bind 127.0.0.1 --port "$port" --save '' --daemonize yes --pidfile "$dir/pid" >/dev/null
cli() { redis-cli -p "$port" "$@"; }
until cli ping >/dev/null 2>&1; do sleep 0.1; done
