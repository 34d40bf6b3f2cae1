//go:build !unix

package main

// maxConnections returns the connection limit of the public listener; 0: none.
func maxConnections(configured int) int { return configured }
