package trainer_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"

	"gonum.org/v1/gonum/floats"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/trainer"
)

// A measure of one's own, recorded beside the rest.
func ExampleRun_measure() {
	largest := problem.Measure{Name: "largest_u", Of: func(s *problem.State) (float64, error) {
		u, err := s.Parameter("u")
		return floats.Norm(u, math.Inf(1)), err
	}}
	diagonal, err := catalog.Find("diagonal")
	if err != nil {
		fmt.Println(err)
		return
	}
	c := diagonal.Defaults(catalog.Circumstances{})
	c.MaxSteps, c.EvalSteps = 1000, 500
	p, c, err := diagonal.Make(c, nil, largest)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll("example-measure")
	if _, err := trainer.Run(context.Background(), trainer.Options{Config: c, Dir: "example-measure", Problem: p, Engine: op.Reference{}, CheckpointEvery: time.Minute}); err != nil {
		fmt.Println(err)
		return
	}
	r, err := run.Open("example-measure")
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range r.Rows {
		u, _ := r.Value(i, "largest_u")
		fmt.Printf("step %d: %.2f\n", r.Rows[i].Step, u)
	}
	// Output:
	// step 0: 0.10
	// step 500: 0.87
	// step 1000: 0.84
}
