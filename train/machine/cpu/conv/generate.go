package conv

//go:generate go -C _generate run . -file nn_avx512 -out ../nn_avx512_amd64.s -stubs ../nn_avx512_amd64.go -pkg conv
//go:generate go -C _generate run . -file tn_avx512 -out ../tn_avx512_amd64.s -stubs ../tn_avx512_amd64.go -pkg conv
//go:generate go -C _generate run . -file nn_avx2 -out ../nn_avx2_amd64.s -stubs ../nn_avx2_amd64.go -pkg conv
//go:generate go -C _generate run . -file tn_avx2 -out ../tn_avx2_amd64.s -stubs ../tn_avx2_amd64.go -pkg conv
//go:generate go -C _generate run . -file winograd_avx512 -out ../winograd_avx512_amd64.s -stubs ../winograd_avx512_amd64.go -pkg conv
//go:generate go -C _generate run . -file winograd_avx2 -out ../winograd_avx2_amd64.s -stubs ../winograd_avx2_amd64.go -pkg conv
//go:generate go -C _generate run . -file amx -out ../amx_amd64.s -stubs ../amx_amd64.go -pkg conv
//go:generate go -C _generate run . -file arrange -out ../arrange_amd64.s -stubs ../arrange_amd64.go -pkg conv
//go:generate go -C _generate run . -file transpose -out ../transpose_amd64.s -stubs ../transpose_amd64.go -pkg conv
//go:generate go -C _generate run . -file neon -out ../neon_arm64.s -stubs ../neon_arm64.go
