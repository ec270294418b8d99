//go:build gpu

package cuda

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// emulation is a library of the emulation's.
func emulation(t *testing.T, name string) []byte {
	t.Helper()
	for _, folder := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		if library, err := os.ReadFile(filepath.Join(folder, name)); err == nil {
			return library
		}
	}
	t.Fatalf("LD_LIBRARY_PATH has no %s", name)
	return nil
}

// wheels is a folder as pip fills it for CUDA 13, with cuDNN and the named files
// of nvidia/cu13/lib. It returns where cuDNN is.
func wheels(t *testing.T, names ...string) (cudnn string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "nvidia")
	files := map[string][]byte{"cudnn/lib/libcudnn.so.9": emulation(t, "libcudnn.so.9")}
	for _, name := range names {
		files["cu13/lib/"+name] = emulation(t, "libcublasLt.so.12") // which is empty
	}
	for name, library := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, library, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, "cudnn/lib/libcudnn.so.9")
}

// loads loads cuDNN in a process of its own and returns its error and what is in
// memory then.
func loads(t *testing.T, variables ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLoadInAProcess$")
	cmd.Env = append(append(os.Environ(), "LARGESTEP_TEST_LOAD=1"), variables...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestLoadInAProcess(t *testing.T) {
	if os.Getenv("LARGESTEP_TEST_LOAD") == "" {
		t.Skip("part of other tests")
	}
	if err := loadCuDNN(); err != nil {
		os.Stdout.WriteString(err.Error())
		return
	}
	memory, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.Write(memory)
}

func TestLoadingCuDNN(t *testing.T) {
	emulated(t)
	const cuda13, driver12, driver13, noDevice = "CUDA_EMULATOR_CUDART=13000", "CUDA_EMULATOR_VERSION=12080", "CUDA_EMULATOR_VERSION=13000", "CUDA_EMULATOR_FAIL=cuInit:100:1"
	complete := wheels(t, "libcublasLt.so.13", "libnvrtc-builtins.so.13.0")
	for name, c := range map[string]struct {
		cudnn, driver, device string
		want                  []string
	}{
		// The compiler of kernels finds its built-in functions if they are loaded.
		"all there":           {complete, driver13, "", []string{"cu13/lib/libcublasLt.so.13", "cu13/lib/libnvrtc-builtins.so.13.0"}},
		"no compiler":         {wheels(t, "libcublasLt.so.13"), driver13, "", []string{"cu13/lib/libcublasLt.so.13"}},
		"no cuBLAS":           {wheels(t), driver13, "", []string{"libcublasLt.so.13", "install cuBLAS"}},
		"older driver":        {complete, driver12, "", []string{"it is for CUDA 13, the driver for 12"}},
		"older, no device":    {complete, driver12, noDevice, []string{"cu13/lib/libcublasLt.so.13"}},
		"by the loader's own": {"", driver12, "", []string{"libcublasLt.so.12"}},
	} {
		t.Run(name, func(t *testing.T) {
			cudart := cuda13
			if c.cudnn == "" {
				cudart = "CUDA_EMULATOR_CUDART=12080"
			}
			got := loads(t, "LARGESTEP_CUDNN="+c.cudnn, cudart, c.driver, c.device)
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("no %q in what was loaded:\n%s", w, got)
				}
			}
		})
	}
}
