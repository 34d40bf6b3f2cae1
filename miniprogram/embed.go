// Package miniprogram is where the gateway's binary takes the built SDK from,
// for the page of `wxgate dev`. All else in this folder is JavaScript.
package miniprogram

import _ "embed"

//go:embed dist/index.mjs
var module string

// Module is the SDK as an ES module, as it is in the npm package.
func Module() string { return module }
