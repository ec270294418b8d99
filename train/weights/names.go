package weights

import (
	"fmt"
	"slices"
	"strings"

	"largestep/train/safetensors"
)

// prefixes are what wrappers put before the names of all parameters: DataParallel,
// torch.compile, and the usual attributes of Lightning's modules.
var prefixes = []string{"module.", "_orig_mod.", "model.", "net."}

// averaged is the counter that AveragedModel, of torch.optim.swa_utils, puts
// beside the parameters.
const averaged = "n_averaged"

// renames are torchvision's names for parts of a ResNet, and those here.
var renames = []struct{ from, to string }{
	{"fc", "linear"},
	{"downsample", "shortcut"},
}

// translate gives tensors the names of the nets here, and says what it changed.
// The tensors' data stay where they are.
func translate(tensors []safetensors.Tensor) (out []safetensors.Tensor, changes []string) {
	out = slices.Clone(tensors)
	if i := slices.IndexFunc(out, func(t safetensors.Tensor) bool { return t.Name == averaged }); i >= 0 && len(out) > 1 {
		out = slices.Delete(out, i, i+1)
		changes = append(changes, averaged+" left out")
	}
	for prefix := sharedPrefix(out); prefix != ""; prefix = sharedPrefix(out) {
		for i := range out {
			out[i].Name = out[i].Name[len(prefix):]
		}
		changes = append(changes, fmt.Sprintf("%q taken off all names", prefix))
	}
	for _, r := range renames {
		if rename(out, r.from, r.to) {
			changes = append(changes, fmt.Sprintf("%q read as %q", r.from, r.to))
		}
	}
	return out, changes
}

// sharedPrefix is the one of prefixes that all names have, "" if none.
func sharedPrefix(tensors []safetensors.Tensor) string {
	for _, prefix := range prefixes {
		other := func(t safetensors.Tensor) bool {
			return len(t.Name) <= len(prefix) || !strings.HasPrefix(t.Name, prefix)
		}
		if len(tensors) > 0 && !slices.ContainsFunc(tensors, other) {
			return prefix
		}
	}
	return ""
}

// rename replaces a part of dotted names, as long as no name has the other part
// already, and tells whether it did.
func rename(tensors []safetensors.Tensor, from, to string) bool {
	parts := make([][]string, len(tensors))
	found := false
	for i, t := range tensors {
		parts[i] = strings.Split(t.Name, ".")
		if slices.Contains(parts[i], to) {
			return false
		}
		found = found || slices.Contains(parts[i], from)
	}
	for i := range parts {
		for k, part := range parts[i] {
			if part == from {
				parts[i][k] = to
			}
		}
		tensors[i].Name = strings.Join(parts[i], ".")
	}
	return found
}
