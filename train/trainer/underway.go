package trainer

import (
	"fmt"
	"slices"

	"largestep/train/safetensors"
	"largestep/train/weights"
)

// readLog waits for the engine and takes the losses over.
func (s *Step) readLog() error {
	log := make([]float64, logCapacity)
	if err := s.vars.Get(varLosses, log); err != nil {
		return err
	}
	s.losses = append(s.losses, log[:s.written]...)
	s.written = 0
	return nil
}

// Losses waits for the engine and returns the mini-batch loss of every step
// since the last call.
func (s *Step) Losses() (steps []float64, err error) {
	if err := s.readLog(); err != nil {
		return nil, err
	}
	for _, l := range s.losses {
		s.partial.sum += l / float64(s.opts.Parts)
		if s.partial.parts++; s.partial.parts == s.opts.Parts {
			steps = append(steps, s.partial.sum)
			s.partial = mean{}
		}
	}
	s.losses = s.losses[:0]
	return steps, nil
}

// varLoss is, in a file of a step under way, the mean loss of its parts.
const varLoss = sumPrefix + "loss"

// underWay are the gradients of the parts taken of a step that was interrupted, and
// their loss; nothing between steps. The log must have been read.
func (s *Step) underWay() (list []safetensors.Tensor, err error) {
	if s.done == 0 {
		return nil, nil
	}
	for _, name := range s.sumNames() {
		t, err := weights.Download(s.vars, name)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return append(list, safetensors.FromFloat64(varLoss, nil, []float64{s.partial.sum})), nil
}

func (s *Step) sumNames() (names []string) {
	for _, w := range s.Model.Parameters() {
		names = append(names, sumPrefix+w.Name())
	}
	return names
}

// goOn takes over what underWay gave after so many parts.
func (s *Step) goOn(parts int, list []safetensors.Tensor) error {
	s.startOver()
	if parts == 0 {
		return nil
	}
	if parts < 0 || parts > s.opts.Parts {
		return fmt.Errorf("part %d of a step of %d", parts, s.opts.Parts)
	}
	at := slices.IndexFunc(list, func(t safetensors.Tensor) bool { return t.Name == varLoss })
	if at < 0 {
		return fmt.Errorf("no tensor %s", varLoss)
	}
	loss, err := list[at].Float64s()
	if err != nil {
		return err
	}
	if s.update == nil || len(loss) != 1 {
		return fmt.Errorf("tensor %s does not belong to this training", varLoss)
	}
	s.done, s.partial = parts, mean{parts, loss[0]}
	return weights.Fill(s.vars, s.sumNames(), slices.Delete(slices.Clone(list), at, at+1))
}

// startOver forgets losses, and a step under way.
func (s *Step) startOver() { s.written, s.losses, s.done, s.partial = 0, nil, 0, mean{} }
