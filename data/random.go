package data

import "math/rand/v2"

// Each use of randomness has a stream of its own, so that no two share draws.
const (
	streamOrder uint64 = iota + 1
	streamAugmentation
	streamTrainImage
	streamTestImage
	streamLabelNoise
	streamTrainSubset
	streamTestSubset
	streamLabelFlips
	streamGradientNoise
)

// newRand returns the generator at a position, such as (streamOrder, epoch),
// of a seed.
func newRand(seed uint64, position ...uint64) *rand.Rand {
	hi, lo := mix(seed), mix(^seed)
	for _, p := range position {
		hi = mix(hi ^ p)
		lo = mix(lo ^ hi)
	}
	return rand.New(rand.NewPCG(hi, lo))
}

// mix is the SplitMix64 step (Steele, Lea and Flood, 2014): neighbouring seeds
// and positions give unrelated states.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
