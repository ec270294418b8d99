package pass

import (
	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/pool"
)

// countColumns is the number of columns in a task of CountColumns.
const countColumns = 256

// Select fills z (images × units) with the chosen units of x (pixels × images ×
// channels, layout HWNC; one pixel for a matrix of images × channels). Units
// count channel·pixels + pixel; a unit of −1 is the constant 1. Images with a
// negative label become zero.
func Select(p *pool.Pool, z, x Matrix, pixels int, units, labels []int32) {
	needLen(len(labels)*len(units), z)
	switch {
	case z.Short == nil:
		pick(p, z.Floats, x.Floats, x.Rows, 1, func(v float32) float32 { return v }, pixels, units, labels)
	case x.Short == nil:
		pick(p, z.Short, x.Floats, x.Rows, bfloat.Nearest(1), bfloat.Nearest, pixels, units, labels)
	default:
		pick(p, z.Short, x.Short, x.Rows, bfloat.Nearest(1), func(v bfloat.Number) bfloat.Number { return v }, pixels, units, labels)
	}
}

func pick[Z, X float32 | bfloat.Number](p *pool.Pool, z []Z, x []X, rows Rows, one Z, number func(X) Z, pixels int, units, labels []int32) {
	images := len(labels)
	channels := rows.len(len(x)) / (pixels * images)
	at := make([]int, len(units)) // place of each unit for image 0
	for k, u := range units {
		at[k] = rows.place(int(u)%pixels*images*channels) + int(u)/pixels
	}
	p.Do(images, func(_, n int) {
		row := z[n*len(units) : (n+1)*len(units)]
		if labels[n] < 0 {
			clear(row)
			return
		}
		for k, u := range units {
			if u < 0 {
				row[k] = one
			} else {
				row[k] = number(x[at[k]+n*channels])
			}
		}
	})
}

// CountColumns adds the number of positive elements of each column of z (rows ×
// columns, as many as total has) to total.
func CountColumns(p *pool.Pool, total []float64, z Matrix) {
	columns := len(total)
	p.Do((columns+countColumns-1)/countColumns, func(_, i int) {
		lo, hi := i*countColumns, min((i+1)*countColumns, columns)
		counts := total[lo:hi]
		for row := 0; row+columns <= z.len(); row += columns {
			for b := rangeOf(row+lo, row+hi, countColumns, z); b.next(); {
				for k, v := range b.in(0, z) {
					if v > 0 {
						counts[k]++
					}
				}
			}
		}
	})
}
