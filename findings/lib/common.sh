# Sourced by every finding: makes a temporary folder, changes to it, and removes it when the
# script ends.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# npm_install NAME@VERSION…: installs npm packages in the folder.
npm_install() {
    npm init -y >/dev/null
    npm install --no-audit --no-fund "$@" >/dev/null
}

# go_module PATH@VERSION…: writes a go.mod that requires these modules.
go_module() {
    printf 'module finding\n\ngo 1.26\n' >go.mod
    local module
    for module in "$@"; do
        echo "require ${module%@*} ${module#*@}" >>go.mod
    done
}

# run_go ARGUMENTS…: runs the Go program in the folder. Its stderr, which has go's messages
# about downloads, is shown only when it fails.
run_go() {
    GOFLAGS=-mod=mod go run . "$@" 2>log || { cat log >&2; return 1; }
}
