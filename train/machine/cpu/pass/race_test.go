//go:build race

package pass

const raceEnabled = true // sync.Pool then drops items at random
