package paper

import (
	"testing"

	"largestep/data"
)

// Numbers of other images than those trained on are not set beside a run's.
func TestReferenceIsOfTheSameData(t *testing.T) {
	for _, f := range Figures {
		for _, p := range Presets {
			own, other := data.NameCIFAR10, data.NameMadeUp
			if p.Name == "quick" {
				own, other = other, own
			}
			p.Base.Dataset = other
			if r := f.Reference(p); len(r.Finals) > 0 || r.Note == "" {
				t.Errorf("%s, %s on %s: %+v", f.Name, p.Name, other, r)
			}
			p.Base.Dataset = own
			if r := f.Reference(p); f.Name == "main" && p.Name != "long" && len(r.Finals) != 4 {
				t.Errorf("%s, %s on %s: %+v", f.Name, p.Name, own, r)
			}
		}
	}
}
