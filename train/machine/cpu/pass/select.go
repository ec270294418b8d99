package pass

import "largestep/train/machine/cpu/pool"

// countColumns is the number of columns in a task of CountColumns.
const countColumns = 256

// Select fills z (images × units) with the chosen units of x (pixels × images ×
// channels, layout HWNC; one pixel for a matrix of images × channels). Units
// count channel·pixels + pixel; a unit of −1 is the constant 1. Images with a
// negative label become zero.
func Select(p *pool.Pool, z, x []float32, pixels int, units, labels []int32) {
	images := len(labels)
	need(images*len(units), z)
	channels := len(x) / (pixels * images)
	at := make([]int, len(units)) // place of each unit for image 0
	for k, u := range units {
		at[k] = int(u)%pixels*images*channels + int(u)/pixels
	}
	p.Do(images, func(_, n int) {
		row := z[n*len(units) : (n+1)*len(units)]
		if labels[n] < 0 {
			clear(row)
			return
		}
		for k, u := range units {
			if u < 0 {
				row[k] = 1
			} else {
				row[k] = x[at[k]+n*channels]
			}
		}
	})
}

// CountColumns adds the number of positive elements of each column of z (rows ×
// columns, as many as total has) to total.
func CountColumns(p *pool.Pool, total []float64, z []float32) {
	columns := len(total)
	p.Do((columns+countColumns-1)/countColumns, func(_, i int) {
		lo, hi := i*countColumns, min((i+1)*countColumns, columns)
		counts := total[lo:hi]
		for row := 0; row+columns <= len(z); row += columns {
			for k, v := range z[row+lo : row+hi] {
				if v > 0 {
					counts[k]++
				}
			}
		}
	})
}
