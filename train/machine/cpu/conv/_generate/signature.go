package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"log"

	"github.com/mmcloughlin/avo/gotypes"
)

// takes returns the signature func(name *typ), with the type as files of package conv
// declare it.
func takes(name, typ string, files ...string) *gotypes.Signature {
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, file := range files {
		f, err := parser.ParseFile(set, "../"+file, nil, parser.SkipObjectResolution)
		if err != nil {
			log.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	// What only bodies of functions use, imports among them, may be missing.
	config := types.Config{IgnoreFuncBodies: true, Error: func(error) {}}
	pkg, _ := config.Check("conv", set, parsed, nil)
	t := types.NewVar(token.NoPos, pkg, name, types.NewPointer(pkg.Scope().Lookup(typ).Type()))
	return gotypes.NewSignature(pkg, types.NewSignatureType(nil, nil, nil, types.NewTuple(t), nil, false))
}
