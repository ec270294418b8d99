// Command largestep trains neural networks with large and small step sizes and
// draws what becomes of them. See "largestep --help".
package main

import (
	"os"

	"largestep/cmd/internal/interrupt"
)

func main() { os.Exit(execute(interrupt.Context(), os.Args[1:], os.Stdout, os.Stderr)) }
