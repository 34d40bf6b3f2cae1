//go:build !unix

package main

// maxConnections gives the most connections of the public listener.
func maxConnections(configured int) int { return configured }
