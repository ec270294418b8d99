// Command _generate writes the assembly of package conv: one file per family
// of kernels and instruction set, one function per number of rows.
package main

import (
	"flag"
	"log"
	"os"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	"largestep/train/machine/cpu/_arm64"
)

func main() {
	log.SetFlags(0)
	flags := flag.NewFlagSet("_generate", flag.ExitOnError)
	file := flags.String("file", "", "what to generate: nn_avx512, tn_avx512, nn_avx2, tn_avx2, winograd_avx512, winograd_avx2, amx, arrange, transpose or neon")
	options := build.NewFlags(flags)
	flags.Parse(os.Args[1:])
	if *file == "neon" {
		a := arm64.New("conv")
		neon(a)
		neonWinograd(a)
		a.Save(flags)
		return
	}
	c := build.NewContext()
	c.Constraint(buildtags.Not("noasm"))
	switch *file {
	case "nn_avx512":
		avx512(c, nn)
	case "tn_avx512":
		avx512(c, tn)
	case "nn_avx2":
		avx2(c, nn)
	case "tn_avx2":
		avx2(c, tn)
	case "winograd_avx512":
		winograd(c, "512", 16)
	case "winograd_avx2":
		winograd(c, "256", 8)
	case "amx":
		amxTiles(c)
	case "arrange":
		arrange(c)
	case "transpose":
		transpose8(c)
	default:
		log.Fatalf("-file %q: unknown", *file)
	}
	os.Exit(build.Main(options.Config(), c))
}

// avx512 writes kernels of 32, 16 and 8 lanes: two zmm, one zmm and one ymm a
// row. Wide tiles broadcast an element of a once for two multiply-adds; narrow
// ones broadcast it in the multiply-add.
func avx512(c *build.Context, f family) {
	for _, lanes := range []int{32, 16, 8} {
		for rows := 1; rows <= 14; rows++ {
			(&kernel{Context: c, family: f, set: "512", lanes: lanes, rows: rows, vector: min(lanes, 16)}).write()
		}
	}
}

// avx2 writes kernels of 16 lanes, which have no use for masks, and of 8.
func avx2(c *build.Context, f family) {
	for rows := 1; rows <= 6; rows++ {
		(&kernel{Context: c, family: f, set: "256", lanes: 16, rows: rows, vector: 8}).write()
	}
	for rows := 1; rows <= 12; rows++ {
		(&kernel{Context: c, family: f, set: "256", lanes: 8, rows: rows, vector: 8}).write()
	}
}
