package advice

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/train/run"
)

// No text of a library names a flag, or a command, of this program: other programs
// that use it have others.
func TestLibrariesKnowNoFlags(t *testing.T) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, add := range flags.Training {
		add(own, &run.Config{})
	}
	new(flags.Schedule).Add(own)
	new(flags.Dataset).Add(own)
	new(flags.Engine).Add(own)
	new(flags.Jobs).Add(own)
	names := []string{"out", "resume", "init", "from", "config"}
	own.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	flag := regexp.MustCompile(`(?:^|[^-\w])--([a-z][a-z-]*)`)
	command := regexp.MustCompile(`"largestep [a-z]`)
	files := 0
	for _, library := range []string{"data", "metrics", "nets", "train"} {
		err := filepath.WalkDir(filepath.Join("..", "..", "..", library), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				l, ok := n.(*ast.BasicLit)
				if !ok || l.Kind != token.STRING {
					return true
				}
				text, _ := strconv.Unquote(l.Value)
				for _, m := range flag.FindAllStringSubmatch(text, -1) {
					if slices.Contains(names, m[1]) {
						t.Errorf("%s: --%s in %s", set.Position(l.Pos()), m[1], l.Value)
					}
				}
				if command.MatchString(text) {
					t.Errorf("%s: a command in %s", set.Position(l.Pos()), l.Value)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("%d files", files)
	}
}
