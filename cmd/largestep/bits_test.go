//go:build noasm && amd64

package main

import (
	"os"
	"strings"
	"testing"
)

// The parameters with which trainings end on the plain Go kernels, as they were
// when each line was written: nothing that is said otherwise, moved or made
// faster may change a bit of what is computed.
func TestBits(t *testing.T) {
	t.Chdir(t.TempDir())
	for args, want := range map[string]string{
		"least-squares --steps 500": "f872aa44de6c43c02a676ba0453f95d0d32e3b569de7dbc05f306b6145bc431b",
		"svm --steps 500":           "11007b03f3107e24b4965d5bc6dde37af9645e14c77d39b63bb38a3b41a76547",
		"logistic --steps 500":      "dad2444a993031bfdbc0a4d88d173cdf1add371ed7b6d8233e4a031ac3745848",
		"diagonal --steps 500":      "837ae879e20612f1f4aa34a9bc5915fbc4a5461b234cc23e2ac5553b1dcb84fb",
		"relu --steps 500":          "3aac7e1dadf62b14476aa9bdf8b2e7eff27e9b7e5cea9352659827cb1ff22ed6",
		"relu-1d --steps 500":       "d4e5a7203b8b3d4b562dabb18fcb7a5ece1c2cf58da2565a299eda38d936db66",
		"teacher-2 --steps 500":     "47f55ad60af1c9d647dcb5eb93a19e6ab5be14e6f34bf4e040dbcb176aa0806d",
		"teacher-3 --step-size 0.04 --warmup-gain 5 --warmup-power 0.5 --steps 800":                                                                         "f577f7e1d12edd0a0f495f5704a763b04b17330d5ff762448aa75b082da1bd11",
		"diagonal --phases 0.985edge@0,0.29edge@0.3 --steps 1000 --label-noise 0.01":                                                                        "098d820e4c274f5e1a17e4ff6149c1054a7ebeca565cbf9644c35754707b9623",
		"resnet18 --dataset made-up --width 8 --train-size 64 --test-size 32 --epochs 2 --batch 16 --momentum 0.9 --augment --step-size 0.1 --decay-at 0.5": "87fd5b7d30d6e468ef2c7e2e03a95fd3cc4ad25bd018d98feb955b3b437da277",
		"resnet18 --dataset made-up --width 8 --train-size 64 --test-size 32 --epochs 2 --batch 32":                                                         "36f8b6b942539711ac6c6c096bfc2689e2b8b5cb5ae62e1bb708fae98a1e97db",
		"resnet18 --dataset made-up --width 4 --train-size 60 --test-size 20 --epochs 2 --batch 20 --sampling full --warmup-exp 1.05 --step-size 0.1":       "f82440fe1193a52b4ebd24c040a7beadeb46536417125a29eab5fdb85cb950d4",
	} {
		succeed(t, strings.Fields("train "+args+" --out a")...)
		if got := sumOfTensors(t, "a/checkpoint.safetensors"); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
		check(t, os.RemoveAll("a"))
	}
}
