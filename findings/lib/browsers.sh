# Sourced by findings about browsers: common.sh, and Playwright and browsers.mjs in the folder.
lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$lib/common.sh"
cp "$lib/browsers.mjs" .
npm_install playwright-core@1.64.1
