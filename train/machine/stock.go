package machine

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"largestep/nets/op"
)

// stock runs an operation of Gorgonia's own on host memory: operands are
// downloaded, the result is uploaded. Without a node it only moves its operand
// from one layout to another.
type stock struct {
	engine op.Engine
	node   *gorgonia.Node
	out    op.Tensor
	in     []op.Tensor
	host   []op.Tensor // copies of the operands
}

func newStock(e op.Engine, n *gorgonia.Node, out op.Tensor, in []op.Tensor) *stock {
	s := &stock{engine: e, node: n, out: out, in: in}
	for _, t := range in {
		s.host = append(s.host, op.NewHostTensor(t.Spec))
	}
	return s
}

func (s *stock) run() error {
	values := make([]gorgonia.Value, len(s.in))
	for i, t := range s.in {
		if err := s.engine.Download(s.host[i].Data, t); err != nil {
			return err
		}
		values[i] = s.host[i].Value()
	}
	if s.node == nil {
		return s.engine.Upload(s.out, s.host[0].Data)
	}
	v, err := s.node.Op().Do(values...)
	if err != nil {
		return fmt.Errorf("%v: %w", s.node, err)
	}
	return uploadValue(s.engine, s.out, v)
}
