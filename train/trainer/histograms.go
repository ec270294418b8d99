package trainer

import (
	"context"
	"fmt"

	"largestep/metrics/record"
	"largestep/train/weights"
)

// ActivityMeter is a Meter that knows, of each layer's units, on which fraction of the
// examples each is positive. A layer whose features are not finite has none.
type ActivityMeter interface {
	Activity() (layers [][]float64, err error)
}

// histograms are those of the trained parameters, and of the units' activity, if the
// config asks for them; none of a net that computes nothing any more.
func (t *trainer) histograms(ctx context.Context, row record.Row) (list []record.Histogram, err error) {
	if !t.Config.Histograms || !finite(row.TrainLoss) {
		return nil, nil
	}
	add := func(name string, x []float64) {
		if h, ok := record.NewHistogram(name, x); ok {
			list = append(list, h)
		}
	}
	for _, v := range t.graph.Model.Variables {
		if !v.Trained {
			continue
		}
		tensor, err := weights.Download(t.vars, v.Name)
		if err != nil {
			return nil, err
		}
		x, err := tensor.Float64s()
		if err != nil {
			return nil, err
		}
		add("weights/"+v.Name, x)
	}
	meter, ok := t.meter.(ActivityMeter)
	if !ok {
		return list, nil
	}
	t.vars.Until(ctx)
	layers, err := meter.Activity()
	t.vars.Until(context.Background())
	for k, x := range layers {
		add(fmt.Sprintf("activity/%d", k+1), x)
	}
	return list, err
}
