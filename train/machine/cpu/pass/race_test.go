//go:build race

package pass

const raceEnabled = true // slow, and sync.Pool drops items at random
