package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ptx:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one PTX file")
	}
	source, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	kernels, err := parse(string(source))
	if err != nil {
		return fmt.Errorf("%s:%w", args[0], err)
	}
	out := bufio.NewWriter(os.Stdout)
	if err := translate(out, kernels); err != nil {
		return fmt.Errorf("%s:%w", args[0], err)
	}
	return out.Flush()
}
