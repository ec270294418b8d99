package request

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
)

// Flags of any kind mean the same where a file names the NET.
func TestFlagsWithoutNET(t *testing.T) {
	t.Chdir(t.TempDir())
	first, last := catalog.Problems[0].Name, catalog.Problems[len(catalog.Problems)-1].Name
	for _, net := range []string{first, last} {
		os.WriteFile(net+".yaml", []byte("net: "+net), 0o666)
	}
	got := func(net string, args ...string) (string, error) {
		var text string
		one := func(catalog.Problem) *cobra.Command {
			var (
				numbers list
				gpus    []int
				options []string
				columns []string
				print   bool
				save    time.Duration
			)
			sub := &cobra.Command{RunE: func(cmd *cobra.Command, _ []string) error {
				text = fmt.Sprint(numbers.values, gpus, options, len(options), columns, print, save)
				return nil
			}}
			f := sub.Flags()
			f.Var(&numbers, "batch", "")
			f.IntSliceVar(&gpus, "gpus", []int{7}, "")
			f.StringArrayVar(&options, "sbatch", nil, "")
			f.StringSliceVar(&columns, "columns", nil, "")
			f.BoolVarP(&print, "print", "p", true, "")
			f.DurationVar(&save, "save", time.Second, "")
			f.String("config", "", "")
			return sub
		}
		cmd := OrFromFile(PerNet(&cobra.Command{Use: "sweep", SilenceErrors: true, SilenceUsage: true}, one, catalog.Problems...))
		cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage.Wrap(usage.Explain(cmd, err)) })
		cmd.SetArgs(append(args, "--config", net+".yaml"))
		err := cmd.Execute()
		return text, err
	}
	for _, args := range [][]string{
		nil, {"--batch", "1,2"}, {"--batch", "1", "--batch=2,3"}, {"--gpus", "0,1"}, {"--gpus", "0", "--gpus", "1"},
		{"--sbatch", "a b,c", "--sbatch", "d"}, {"--columns", `"a,b",c`}, {"-p=false"}, {"--print", "--save", "5m"}, {"--config", "none.yaml"},
		{"--gpus", "x"}, {"--save", "soon"}, {"--print=maybe"}, {"--batch", "1,,2"}, {"--sise", "1"},
	} {
		for _, net := range []string{first, last} {
			want, wantErr := got(net, append([]string{net}, args...)...)
			text, err := got(net, args...)
			if (want == "") == (wantErr == nil) || text != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%s, %q: %s, %v, want %s, %v", net, args, text, err, want, wantErr)
			}
		}
	}
}
