module largestep/train/machine/cpu/_arm64

go 1.26.0

require github.com/mmcloughlin/avo v0.6.0

require golang.org/x/tools v0.52.0 // indirect
