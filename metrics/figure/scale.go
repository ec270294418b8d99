package figure

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"largestep/metrics/record"
)

// A scale is how a column is shown.
type scale struct {
	label  string
	log    bool
	factor float64 // 100 for what is shown in percent
}

var scales = map[string]scale{
	"train_loss":                {"Training loss", true, 1},
	"test_loss":                 {"Test loss", true, 1},
	"batch_loss":                {"Mini-batch loss", true, 1},
	"train_error":               {"Training error (%)", false, 100},
	"test_error":                {"Test error (%)", false, 100},
	"step_size":                 {"Step size", true, 1},
	"images_per_second":         {"Images per second", false, 1},
	"l0":                        {"ℓ₀ of u ⊙ v", false, 1},
	"l1":                        {"ℓ₁ of u ⊙ v", false, 1},
	"rank":                      {"Rank of the Jacobian", false, 1},
	"effective_rank":            {"Effective rank of the Jacobian", false, 1},
	"imbalance":                 {"Mean |u² − v²|", true, 1},
	"gap":                       {"Suboptimality gap", true, 1},
	"parameter_norm":            {"Norm of the parameters", false, 1},
	"sharpness":                 {"Largest eigenvalue of the Hessian", true, 1},
	"sharpness_residual":        {"Residual of the eigenvalues", true, 1},
	"hessian_trace":             {"Trace of the Hessian", false, 1},
	"hessian_trace_error":       {"Standard error of the trace", true, 1},
	"batch_sharpness":           {"Batch sharpness", true, 1},
	"batch_sharpness_by_losses": {"Batch sharpness by losses", true, 1},
	"step_sharpness":            {"Batch sharpness of steps", true, 1},
	"gradient_norm":             {"Norm of the gradient", true, 1},
	"gradient_noise":            {"Variance of the mini-batch gradient", true, 1},
	"noise_scale":               {"Noise scale (examples)", true, 1},
	"jacobian_norm":             {"Norm of the Jacobian", false, 1},
	"pattern_distance":          {"Activation patterns changed (%)", false, 100},
}

// scaleOf knows the columns of all problems; others are shown as they are, on a
// log axis if they are losses or gaps. Feature names a feature by its number,
// "stage 4" for instance.
func scaleOf(column string, feature func(number string) string) scale {
	if s, ok := scales[column]; ok {
		return s
	}
	if k, ok := strings.CutPrefix(column, "active_"); ok {
		return scale{"Active features, " + feature(k) + " (%)", false, 100}
	}
	if k, ok := strings.CutPrefix(column, "sparsity_"); ok {
		return scale{"Feature sparsity, " + feature(k) + " (%)", false, 100}
	}
	if k, ok := strings.CutPrefix(column, "rank_"); ok {
		return scale{"Feature rank, " + feature(k), false, 1}
	}
	if k, ok := strings.CutPrefix(column, "effective_rank_"); ok {
		return scale{"Effective feature rank, " + feature(k), false, 1}
	}
	if k, ok := strings.CutPrefix(column, "eigenvalue_"); ok {
		return scale{"Eigenvalue " + k + " of the Hessian", true, 1}
	}
	log := strings.HasSuffix(column, "_loss") || strings.HasSuffix(column, "gap")
	words := strings.ReplaceAll(column, "_", " ")
	first, size := utf8.DecodeRuneInString(words)
	return scale{string(unicode.ToUpper(first)) + words[size:], log, 1}
}

// scale is how the figure shows a column.
func (f figure) scale(column string) scale {
	s := scaleOf(column, features(f.groups))
	if f.Scale != Suitable {
		s.log = f.Scale == Log
	}
	return s
}

// features names a feature by its number as all runs do, or as a layer.
func features(groups []Group) func(number string) string {
	var kinds []record.Config // one for each way to name features
	for _, r := range runs(groups) {
		kind := record.Config{Part: r.Config.Part, Pool: r.Config.Pool}
		if !slices.ContainsFunc(kinds, func(k record.Config) bool { return k.Part == kind.Part && k.Pool == kind.Pool }) {
			kinds = append(kinds, kind)
		}
	}
	return func(number string) string {
		var names []string
		for _, k := range kinds {
			names = append(names, k.Feature(number))
		}
		if names = slices.Compact(names); len(names) != 1 {
			return "layer " + number
		}
		return names[0]
	}
}
