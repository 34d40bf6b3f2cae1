# Sourced by findings about browsers: makes a temporary folder, $dir, with Playwright and
# browsers.mjs in it.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$(dirname "${BASH_SOURCE[0]}")/browsers.mjs" "$dir"
cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund playwright-core@1.64.1 >/dev/null
