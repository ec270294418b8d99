package catalog_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"largestep/data"
	"largestep/train/catalog"
)

// A net or a data set is told from others by its entry in a table alone: no other
// code asks for its name. Free to do so are the tables' own files and the nets.
func TestNamesAreNotComparedWith(t *testing.T) {
	const root = "../.."
	files := sources(t, root)
	constants := namesOf(files)
	for path, file := range files {
		if slices.Contains([]string{"train/catalog", "nets", "data"}, filepath.ToSlash(filepath.Dir(path))) && free(path, file) {
			continue
		}
		for _, found := range comparisons(file.tree, constants) {
			t.Errorf("%s compares with the name of a net or a data set: ask its entry in catalog.Problems or data.Sets", file.set.Position(found))
		}
	}
}

// The search finds what it is for.
func TestComparisonsAreFound(t *testing.T) {
	const code = `package p
const NameOther = "cifar10"
var net, set string
func f() {
	_ = net == "resnet18"
	_ = "cifar10" != set
	_ = set == data.NameMadeUp
	_ = (NameOther) == set
	switch net { case "relu", "x": }
	switch { case set == "none": }
	_ = net == "resnet1" || set == other
	g("resnet18")
}`
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, "p.go", code, 0)
	if err != nil {
		t.Fatal(err)
	}
	files := sources(t, "../..")
	files["p.go"] = source{set, tree}
	var lines []int
	for _, found := range comparisons(tree, namesOf(files)) {
		lines = append(lines, set.Position(found).Line)
	}
	if want := []int{5, 6, 7, 8, 9}; !slices.Equal(lines, want) {
		t.Errorf("found in lines %v, want %v", lines, want)
	}
}

type source struct {
	set  *token.FileSet
	tree *ast.File
}

// sources are the module's Go files but for tests, by their paths in it.
func sources(t *testing.T, root string) map[string]source {
	t.Helper()
	files := map[string]source{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(root, path)
		files[inside] = source{set, tree}
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d Go files: %v", len(files), err)
	}
	return files
}

// free tells whether a file is of nets, of the table of problems, or of data sets:
// one that declares a data.Set or their table.
func free(path string, file source) bool {
	if filepath.Dir(path) != "data" {
		return true
	}
	return slices.ContainsFunc(file.tree.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return ok && g.Tok == token.VAR && slices.ContainsFunc(g.Specs, func(s ast.Spec) bool {
			for _, v := range s.(*ast.ValueSpec).Values {
				if l, ok := v.(*ast.CompositeLit); ok {
					if of, ok := l.Type.(*ast.Ident); ok && of.Name == "Set" {
						return true
					}
				}
			}
			return false
		})
	})
}

// namesOf are the names of the tables, as they stand in code: quoted, or as a
// constant of one of the files.
func namesOf(files map[string]source) map[string]bool {
	names := map[string]bool{}
	for _, p := range catalog.Problems {
		names[strconv.Quote(p.Name)] = true
	}
	for _, s := range data.Sets {
		names[strconv.Quote(s.Name)] = true
	}
	for _, file := range files {
		ast.Inspect(file.tree, func(n ast.Node) bool {
			g, ok := n.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				return true
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				if v.Type != nil { // of a kind of its own, such as a loss
					continue
				}
				for i, value := range v.Values {
					if l, ok := value.(*ast.BasicLit); ok && names[l.Value] {
						names[v.Names[i].Name] = true
					}
				}
			}
			return true
		})
	}
	return names
}

// comparisons are the places where ==, != or a case has one of the names.
func comparisons(tree *ast.File, names map[string]bool) (found []token.Pos) {
	named := func(e ast.Expr) bool {
		switch e := ast.Unparen(e).(type) {
		case *ast.BasicLit:
			return names[e.Value]
		case *ast.Ident:
			return names[e.Name]
		case *ast.SelectorExpr:
			return names[e.Sel.Name]
		}
		return false
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (named(n.X) || named(n.Y)) {
				found = append(found, n.Pos())
			}
		case *ast.CaseClause:
			if slices.ContainsFunc(n.List, named) {
				found = append(found, n.Pos())
			}
		}
		return true
	})
	return found
}
