package cuda

import (
	"fmt"
	"path/filepath"
)

// cudnnNames are the libraries that have the functions used, the newest first.
var cudnnNames = []string{"libcudnn.so.9", "libcudnn.so.8"}

// cudnnPatterns are folders where NVIDIA's packages and Python's wheels put
// cuDNN, beside those that the dynamic loader searches.
var cudnnPatterns = []string{
	"/usr/local/cuda/lib64", "/usr/local/cuda-*/lib64", "/opt/cuda/lib64", "/opt/cudnn/lib",
	"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
	"{home}/.local/lib/python3*/site-packages/nvidia/cudnn/lib",
	"{venv}/lib/python3*/site-packages/nvidia/cudnn/lib",
	"{conda}/lib", "{conda}/lib/python3*/site-packages/nvidia/cudnn/lib",
	"{python}/../../lib/python3*/site-packages/nvidia/cudnn/lib",
	"{home}/.pyenv/versions/*/lib/python3*/site-packages/nvidia/cudnn/lib",
	"/usr/local/lib/python3*/*-packages/nvidia/cudnn/lib",
	"/usr/lib/python3/dist-packages/nvidia/cudnn/lib",
	"/opt/*/lib/python3*/site-packages/nvidia/cudnn/lib",
	"/opt/*/.venv/lib/python3*/site-packages/nvidia/cudnn/lib",
}

// cudnnCandidates lists what to try to load, in order: the file that the user
// named and nothing else, or each name, the newest first, by the dynamic loader's
// own search (LD_LIBRARY_PATH and the system), then by the folders above. tried is
// what to tell the user where none of them works.
func cudnnCandidates(named string, variables map[string]string) (files, tried []string) {
	if named != "" {
		return []string{named}, []string{named}
	}
	tried = []string{"libcudnn.so.9 and libcudnn.so.8 on LD_LIBRARY_PATH and the system's library path"}
	for _, pattern := range cudnnPatterns {
		if folder, ok := expand(pattern, variables); ok {
			tried = append(tried, folder)
		}
	}
	for _, name := range cudnnNames {
		files = append(files, name)
		for _, folder := range tried[1:] {
			found, err := filepath.Glob(filepath.Join(folder, name))
			if err == nil { // a folder whose name is no pattern holds nothing
				files = append(files, found...)
			}
		}
	}
	return files, tried
}

// expand replaces {name} at the beginning; ok is false if it has no value.
func expand(pattern string, variables map[string]string) (string, bool) {
	if pattern[0] != '{' {
		return pattern, true
	}
	end := 1
	for pattern[end] != '}' {
		end++
	}
	value := variables[pattern[1:end]]
	return filepath.Clean(value + pattern[end+1:]), value != ""
}

// spellCuDNN turns the number of cudnnGetVersion into words: 9.10.2 is 91002,
// and 8.9.7 was 8907.
func spellCuDNN(v int) string {
	major := 10000
	if v < 10000 {
		major = 1000
	}
	return fmt.Sprintf("%d.%d.%d", v/major, v%major/100, v%100)
}
