// Package published has the numbers that the paper, its authors' code and PyTorch
// gave, to compare ours with. RESULTS.md beside it says what ours were.
package published

import (
	"fmt"
	"strconv"
	"strings"

	"largestep/metrics/record"
)

// Stages are a measure's columns for the four stages of a ResNet and the average
// pool.
func Stages(measure string) []string {
	var columns []string
	for i := range 5 {
		columns = append(columns, fmt.Sprintf("%s_%d", measure, i+1))
	}
	return columns
}

// finals are the last values of four runs: training losses, test errors, and
// perhaps a list of the nets' own columns.
func finals(trainLoss, testError [4]float64, columns []string, net ...[]float64) []map[string]float64 {
	var list []map[string]float64
	for i := range trainLoss {
		f := map[string]float64{"train_loss": trainLoss[i], "test_error": testError[i]}
		if i < len(net) {
			for k, column := range columns {
				f[column] = net[i][k]
			}
		}
		list = append(list, f)
	}
	return list
}

// rows spreads rows of numbers over columns; – stands for none.
func rows(columns string, texts ...string) []map[string]float64 {
	names := strings.Fields(columns)
	var list []map[string]float64
	for _, row := range texts {
		values := map[string]float64{}
		for i, text := range strings.Fields(row) {
			if text == "–" {
				continue
			}
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				panic(err)
			}
			values[names[i]] = v
		}
		list = append(list, values)
	}
	return list
}

// Again labels the finals of the authors' code run again.
const Again = "again"

// small are the numbers of a figure of a small problem, in the order of its
// settings.
type small struct {
	paper []map[string]float64
	// again and ownAgain are those of the authors' code run again: medians over
	// orders of the examples, and of the paper's own order.
	again, ownAgain []map[string]float64
}

// ofSmall are the figures' numbers, by their names.
var ofSmall = map[string]small{
	"diagonal": {
		paper: rows("train_loss test_loss l0 rank",
			"1.42e-6 3.53e-3 200 200", "6.26e-5 6.59e-4 156 109", "5.98e-5 2.85e-4 89 68", "6.70e-5 1.54e-4 71 58"),
		again:    rows("test_loss l0 rank", "9e-3 200 –", "2.0e-4 161 104", "2.6e-4 85 67", "1.4e-4 69 59"),
		ownAgain: rows("test_loss l0 rank", "3.6e-3 200 –", "3.6e-4 154 102", "2.6e-4 82 66", "1.1e-4 70 63"),
	},
	"diagonal-gd": {
		paper: rows("test_loss l0", ".168 100", ".449 86", ".438 80", ".497 78", ".0385 33"),
	},
	"relu-1d": {
		paper: rows("train_loss rank active_1 sparsity_1", "2.09e-4 85 .487 .22", "1.69e-4 19 .267 .063"),
	},
	"teacher-2": {
		paper:    rows("test_loss rank sparsity_1", "6.1e-4 26 .263", "1.6e-4 16 .11", "1.4e-4 12 .087", "5.4e-5 7 .063"),
		ownAgain: rows("test_loss rank sparsity_1", "6.3e-4 26 .263", "2.3e-4 16 .11", "3.0e-4 12 .077", "1.1e-4 10 .077"),
	},
	"teacher-3": {
		paper:    rows("test_loss rank sparsity_2", ".0614 150 .466", ".0322 150 .312", ".0248 125 .252", ".0206 102 .182"),
		ownAgain: rows("test_loss rank sparsity_2", ".059 150 .464", ".032 150 .314", ".025 126 .254", ".026 110 .206"),
	},
}

// Small are the numbers of a figure of a small problem on the paper's instance:
// the paper's, and those of its authors' code run again, of the paper's own order
// of the examples or as medians over several.
func Small(figure string, ownOrder bool) []record.Reference {
	numbers := ofSmall[figure]
	again := numbers.again
	if ownOrder {
		again = numbers.ownAgain
	}
	list := []record.Reference{{Label: "paper", Finals: numbers.paper}}
	if again != nil {
		list = append(list, record.Reference{Label: Again, Finals: again})
	}
	return list
}
