package conv

// prefetch asks for what comes of s from memory: part i, of as many as products, of
// the squares of size pixels, shifted by shift, at the tile positions of b. It is
// called between products, while memory has nothing else to do.
func (g *winograd) prefetch(b *block, s []float32, i, size, shift, channels int) {
	if !g.far {
		return
	}
	pixels := g.parts(b) * size * size
	for k := i * pixels / g.products(); k < (i+1)*pixels/g.products(); k++ {
		position, from, to, _ := g.at(b, k/(size*size))
		if pixel, inside := g.pixel(position, shift, k%(size*size), size); inside {
			g.kernels.prefetch(s[(pixel+from)*channels : (pixel+to)*channels])
		}
	}
}

// prefetchSource asks for part i of the pixels of x that b transforms.
func (g *winograd) prefetchSource(b *block, x []float32, i int) { g.prefetch(b, x, i, 6, -1, g.from) }

// prefetchOutput asks for part i of the pixels of y that b sets, or whose slope it
// transforms.
func (g *winograd) prefetchOutput(b *block, y []float32, i int) { g.prefetch(b, y, i, 4, 0, g.to) }
