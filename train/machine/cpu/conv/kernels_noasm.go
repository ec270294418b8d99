//go:build noasm || !(amd64 || arm64)

package conv

// assembly are the sets that this build has beside plain Go.
var assembly []*kernelSet

// amxTiles are the tiles of AMX.
var amxTiles *tileSet
