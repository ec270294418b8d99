package pytorch

import (
	"fmt"
	"slices"
	"strings"
)

// containers are the keys under which programs put the state_dict. They nest at
// most maxNested deep.
var containers = []string{"state_dict", "model_state_dict", "model", "net", "last"}

const maxNested = 2

// found is a state_dict and the keys that lead to it.
type found struct {
	dict *dict
	keys []string
}

// findStateDict finds the one dictionary of tensors, and the keys that lead to it,
// joined by dots.
func findStateDict(root any) (*dict, string, error) {
	d, ok := root.(*dict)
	if !ok {
		return nil, "", fmt.Errorf("holds %s, want a state_dict: save model.state_dict()", describe(root))
	}
	all := search(d, nil, map[*dict]bool{})
	switch len(all) {
	case 0:
		return nil, "", fmt.Errorf("no tensors, neither at the top nor under one of %s; it has %s: save model.state_dict()",
			strings.Join(containers, ", "), d.names())
	case 1:
		return all[0].dict, strings.Join(all[0].keys, "."), nil
	}
	return nil, "", fmt.Errorf("two state_dicts, under %s and %s: save one of them alone",
		strings.Join(all[0].keys, "."), strings.Join(all[1].keys, "."))
}

// search looks into no dictionary twice: a pickle can nest one in itself.
func search(d *dict, keys []string, seen map[*dict]bool) []found {
	if seen[d] {
		return nil
	}
	seen[d] = true
	var all []found
	for i, key := range d.keys {
		name, _ := key.(string)
		inner, ok := d.values[i].(*dict)
		if !ok || len(keys) == maxNested {
			continue
		}
		if slices.Contains(containers, name) {
			all = append(all, search(inner, append(slices.Clip(keys), name), seen)...)
		}
	}
	if len(all) > 0 {
		return all
	}
	for _, v := range d.values {
		if _, ok := v.(*tensor); ok {
			return []found{{d, keys}}
		}
	}
	return nil
}

// names lists a dictionary's first keys.
func (d *dict) names() string {
	const most = 8
	var names []string
	for i, key := range d.keys {
		name, ok := key.(string)
		if !ok {
			name = describe(key)
		}
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, fmt.Sprintf("%.40q", name))
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
