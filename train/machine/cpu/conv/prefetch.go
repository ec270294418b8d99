package conv

// prefetch asks for what of s lies beyond the level-2 cache: part i of parts of the squares
// of size pixels of lattices at the tile positions of b. It is called between products,
// while what lies beyond has nothing else to do.
func (g *winograd) prefetch(b *block, s []float32, lattices []lattice, i, parts, size, channels int) {
	if !g.far {
		return
	}
	square := size * size
	pixels := g.parts(b) * square * len(lattices)
	for k := i * pixels / parts; k < (i+1)*pixels/parts; k++ {
		position, from, to, _ := g.at(b, k/square/len(lattices))
		if pixel, inside := g.pixel(&lattices[k/square%len(lattices)], position, k%square, size); inside {
			g.kernels.prefetch(s[pixel+from*channels : pixel+to*channels])
		}
	}
}

// prefetchSource asks for part i of parts of the pixels of x that b transforms.
func (g *winograd) prefetchSource(b *block, x []float32, i, parts int) {
	g.prefetch(b, x, g.source, i, parts, g.size, g.from)
}

// prefetchOutput asks for part i of parts of the pixels of y that b sets, or whose slope
// it transforms.
func (g *winograd) prefetchOutput(b *block, y []float32, i, parts int) {
	g.prefetch(b, y, g.output, i, parts, 4, g.to)
}
