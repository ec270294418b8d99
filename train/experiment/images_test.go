package experiment

import (
	"testing"

	"largestep/data"
	"largestep/train/catalog"
)

// Numbers of other images than those trained on are not set beside a run's.
func TestReferenceIsOfTheSameData(t *testing.T) {
	for _, f := range imageFigures {
		if f.reference == nil {
			continue
		}
		for _, s := range catalog.Scales {
			own, other := data.Place{Set: data.SetNamed(data.NameCIFAR10)}, data.Place{Set: data.SetNamed(data.NameMadeUp)}
			if data.SetNamed(s.Dataset).MadeUp() {
				own, other = other, own
			}
			if r := f.compared(s, other); len(r.Finals) > 0 || r.Note == "" {
				t.Errorf("%s, %s on %s: %+v", f.Name, s.Name, other.Name, r)
			}
			if r := f.compared(s, data.Place{Set: data.SetNamed("cifar100")}); len(r.Finals) > 0 || r.Note == "" {
				t.Errorf("%s, %s on CIFAR-100: %+v", f.Name, s.Name, r)
			}
			if r := f.compared(s, own); f.Name == "main" && s.Name != "long" && s.Name != "full" && len(r.Finals) != 4 {
				t.Errorf("%s, %s on %s: %+v", f.Name, s.Name, own.Name, r)
			}
		}
	}
}
