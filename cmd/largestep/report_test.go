package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// reportData are the documents that a report holds.
type reportData struct {
	Index struct {
		Title string
		Nets  []struct {
			Runs []struct{ ID, State string }
		}
	}
	Details map[string]struct{ Config map[string]any }
}

func readReport(t *testing.T, file string) (data reportData) {
	t.Helper()
	b, err := os.ReadFile(file)
	check(t, err)
	_, rest, _ := bytes.Cut(b, []byte(`id="data">`))
	text, _, ok := bytes.Cut(rest, []byte("</script>"))
	if !ok {
		t.Fatalf("%s holds no data", file)
	}
	check(t, json.Unmarshal(text, &data))
	return data
}

// What a report says of how to train a run again gives the same run.
func TestReportTellsHowToTrainAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("s/a", "--step-size", "0.1")...)
	succeed(t, tiny("s/b", "--step-size", "0.2", "--measure", "none")...)
	if out := succeed(t, "report", "s", "-o", "r.html", "--title", "Two & <two>"); strings.TrimSpace(out) != "r.html" {
		t.Errorf("it prints %q", out)
	}
	data := readReport(t, "r.html")
	if data.Index.Title != "Two & <two>" || len(data.Index.Nets) != 1 || len(data.Index.Nets[0].Runs) != 2 || data.Index.Nets[0].Runs[1].ID != "b" {
		t.Fatalf("%+v", data.Index)
	}
	config, err := json.Marshal(data.Details["b"].Config)
	check(t, err)
	check(t, os.WriteFile("config.json", config, 0o666))
	succeed(t, "train", "--config", "config.json", "--out", "again")
	was, is := lastRow(t, "s/b"), lastRow(t, "again")
	if was != is {
		t.Errorf("trained again, it ends with %s, not with %s", is, was)
	}
	for args, want := range map[string]string{
		"report s": "give a file with -o", "report -o r.html": "no run folders", "report nowhere -o r.html": "nowhere", "report r.html -o x.html": "only files",
		"report s -o no/such/r.html": "no/such",
	} {
		if o := try(strings.Fields(args)...); o.code == 0 || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %d %s, want %s", args, o.code, o.stderr, want)
		}
	}
}

// lastRow is that of a run but for what depends on the time.
func lastRow(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "metrics.csv"))
	check(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	cells := strings.Split(lines[len(lines)-1], ",")
	return strings.Join(cells[:len(cells)-2], ",")
}

func TestServeShowsRunsUnderWay(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("train least-squares --steps 40 --out runs/first")...)
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() { ended <- execute(ctx, []string{"serve", "--listen", "127.0.0.1:0"}, w, &stderr) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	check(t, err)
	_, rest, ok := strings.Cut(line, "http://")
	if !ok || !strings.HasPrefix(line, "1 run below runs: ") {
		t.Fatalf("it says %q", line)
	}
	address := "http://" + strings.Fields(rest)[0]
	ask := func(path string) string {
		t.Helper()
		answer, err := http.Get(address + path)
		check(t, err)
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		check(t, err)
		return string(b)
	}
	if page := ask(""); !strings.Contains(page, "page.js") {
		t.Errorf("the page: %s", page)
	}
	succeed(t, strings.Fields("train least-squares --steps 40 --seed 1 --out runs/second")...)
	for end := time.Now().Add(30 * time.Second); !strings.Contains(ask("index"), `"id":"second"`); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not see a run that was added")
		}
	}
	if o := try("serve", "--listen", strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/")); o.code == 0 || !strings.Contains(o.stderr, "choose another port with --listen") {
		t.Errorf("a port that is taken: %d %s", o.code, o.stderr)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("stopped, it ends with %d: %s", code, stderr.String())
	}
	for args, want := range map[string]string{"serve nowhere": "nowhere", "serve a b": "2 arguments, want [DIR]", "serve --listen nonsense": "nonsense", "serve runs/first/metrics.csv": "metrics.csv"} {
		if o := try(strings.Fields(args)...); o.code == 0 || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %d %s, want %s", args, o.code, o.stderr, want)
		}
	}
}
