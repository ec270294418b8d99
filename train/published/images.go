package published

import "largestep/metrics/record"

// Main is Figure 1 at the paper's scale. Runs of PyTorch stand in for
// it at the smaller ones.
func Main(preset string) record.Reference {
	switch preset {
	case "paper":
		return record.Reference{
			Label: "paper", Note: "paper: read from Figure 1.",
			Finals: finals([4]float64{1e-3, 1.3e-3, 1.3e-3, 1.1e-3}, [4]float64{0.353, 0.136, 0.131, 0.119}, nil),
		}
	case "small":
		return record.Reference{
			Label: "PyTorch", Note: "PyTorch: the same training of the JPEG copy of CIFAR-10, one seed.\nThe paper's numbers are of width 64 on all images.",
			Finals: finals([4]float64{0.884, 0.0121, 0.0046, 0.0072}, [4]float64{0.579, 0.531, 0.511, 0.496}, Stages("active"),
				[]float64{0.70, 0.64, 0.65, 0.64, 1.0}, []float64{0.74, 0.62, 0.63, 0.49, 0.99},
				[]float64{0.76, 0.61, 0.62, 0.45, 0.97}, []float64{0.77, 0.58, 0.56, 0.39, 0.94}),
		}
	case "quick":
		return record.Reference{
			Label: "PyTorch", Note: "PyTorch: the same training of images made up likewise, medians of three seeds.\nThe paper's numbers are of width 64 on CIFAR-10.",
			Finals: finals([4]float64{0.007, 0.005, 0.001, 0.001}, [4]float64{0.63, 0.045, 0.021, 0.019}, []string{"active_4"},
				[]float64{0.62}, []float64{0.51}, []float64{0.48}, []float64{0.48}),
		}
	}
	return record.Reference{Note: "The paper's numbers are of width 64 on all images."}
}

func Sparsity(preset string) record.Reference {
	r := Main(preset)
	r.Note += "\nThe paper gives no sparsity of these runs; it does of those of figure sota."
	return r
}

// Stability says that nobody has shown these numbers together.
func Stability(string) record.Reference {
	return record.Reference{Note: "Nobody has published these numbers of such trainings."}
}

func Plain(string) record.Reference {
	return record.Reference{Note: "The paper shows curves of this setting, but gives no numbers."}
}

// Sota is what the authors' code printed, at the paper's scale.
func Sota(preset string) record.Reference {
	r := record.Reference{
		Label: "paper", Note: "paper: printed by its authors' code.",
		Finals: finals([4]float64{0.0313, 0.0211, 0.00098, 0.00042}, [4]float64{0.1429, 0.1013, 0.0658, 0.0561}, Stages("sparsity"),
			[]float64{0.699, 0.704, 0.776, 0.655, 0.987}, []float64{0.688, 0.682, 0.748, 0.577, 0.959},
			[]float64{0.723, 0.587, 0.657, 0.472, 0.770}, []float64{0.719, 0.548, 0.543, 0.459, 0.630}),
	}
	if preset != "paper" {
		r.Label = "paper, full scale"
		r.Note = "paper, full scale: width 64, all of CIFAR-10, 100 epochs.\nNot this preset's scale: compare the runs' order, not the numbers."
	}
	return r
}
