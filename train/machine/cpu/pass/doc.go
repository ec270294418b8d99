// Package pass holds the kernels of a CPU training step that are bound by
// memory, not arithmetic: batch norm fused with ReLU and residual add,
// elementwise sums, the SGD update, pooling, the mini-batch gather and
// the last linear layer.
//
// Activations lie in layout HWNC: element (h, w, n, c) at ((h·W+w)·N+n)·C+c, so a
// tensor is a matrix of H·W·N rows by C channels; there may be a gap behind each of the H
// rows of pixels, see RowsOf. They are float32 or bfloat16; kernels compute in float32, of
// bfloat16 on blocks that are widened in the cache.
//
// Work is cut into tasks by the shape alone, and partial sums are combined in
// one fixed order, so results have the same bits for any number of threads.
//
// Slices of wrong length are bugs of the caller and panic. Outputs may be the
// same memory as inputs where a function says so; they must never overlap in
// part.
package pass

//go:generate sh -c "cd _generate && go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg pass"
//go:generate sh -c "cd _generate && go run . -neon -out ../kernels_arm64.s -stubs ../kernels_arm64.go"
