package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"log"

	"github.com/mmcloughlin/avo/gotypes"
)

// takes returns the signature func(name *typ), with the type as it is declared in
// a file of package conv that needs no other.
func takes(name, file, typ string) *gotypes.Signature {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, "../"+file, nil, 0)
	if err != nil {
		log.Fatal(err)
	}
	pkg, err := new(types.Config).Check("conv", files, []*ast.File{parsed}, nil)
	if err != nil {
		log.Fatal(err)
	}
	t := types.NewVar(token.NoPos, pkg, name, types.NewPointer(pkg.Scope().Lookup(typ).Type()))
	return gotypes.NewSignature(pkg, types.NewSignatureType(nil, nil, nil, types.NewTuple(t), nil, false))
}
