package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// mutator makes the mutants of one file.
type mutator struct {
	name    string
	source  []byte
	file    *token.File
	path    []ast.Node // from the declaration to the node that is visited
	mutants []mutant
	seen    map[string]bool

	conditions map[ast.Expr]bool // and parts of them
}

// mutantsOf returns the one-line mutants of a file. Some do not compile.
func mutantsOf(name string, source []byte) ([]mutant, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	m := &mutator{name: name, source: source, file: fset.File(file.FileStart), seen: map[string]bool{}, conditions: map[ast.Expr]bool{}}
	for _, decl := range file.Decls {
		ast.Inspect(decl, m.visit)
	}
	slices.SortStableFunc(m.mutants, mutant.compare)
	alike := map[string]int{}
	for i := range m.mutants {
		key := m.mutants[i].key()
		alike[key]++
		m.mutants[i].nth = alike[key]
	}
	return m.mutants, nil
}

func (m *mutator) visit(node ast.Node) bool {
	if node == nil {
		m.path = m.path[:len(m.path)-1]
		return true
	}
	switch node.(type) {
	case *ast.ImportSpec, *ast.Field: // paths, and tags
		return false
	}
	m.path = append(m.path, node)
	switch n := node.(type) {
	case *ast.IfStmt:
		m.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			m.replace(n.Cond, "(%s) && false", m.text(n.Cond))
		}
	case *ast.SwitchStmt:
		m.cases(n)
	case *ast.BinaryExpr:
		m.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.SUB {
			m.replace(n, "%s", m.text(n.X))
		}
	case *ast.BasicLit:
		m.literal(n)
	case *ast.ReturnStmt:
		m.results(n)
	case *ast.ExprStmt, *ast.DeferStmt, *ast.BranchStmt:
		m.remove(n)
	case *ast.IncDecStmt:
		m.remove(n)
		m.operator(n.TokPos, n.Tok)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			m.remove(n)
			m.operator(n.TokPos, n.Tok)
		}
	case *ast.SliceExpr:
		m.bounds(n)
	case *ast.CompositeLit:
		m.elements(n)
	case *ast.CallExpr:
		m.call(n)
	}
	return true
}

// edit adds a mutant that has text in place of what stands between two places.
func (m *mutator) edit(from, to token.Pos, text string) {
	function := ""
	if f, ok := m.path[0].(*ast.FuncDecl); ok {
		function = f.Name.Name
	}
	start, end := m.file.Offset(from), m.file.Offset(to)
	made := edited(m.name, function, m.source, start, end, text)
	if content := string(made.files[m.name]); !m.seen[content] && content != string(m.source) {
		m.seen[content] = true
		m.mutants = append(m.mutants, made)
	}
}

func (m *mutator) replace(n ast.Node, format string, args ...any) {
	m.edit(n.Pos(), n.End(), fmt.Sprintf(format, args...))
}

func (m *mutator) text(n ast.Node) string {
	return string(m.source[m.file.Offset(n.Pos()):m.file.Offset(n.End())])
}

// condition makes one always true, and always false. It is still evaluated, so that
// what it names is in use. Tests that catch both also catch it turned over. For one of
// several parts with && or ||, binary does half of it.
func (m *mutator) condition(cond ast.Expr) {
	op := token.ILLEGAL
	if n, ok := cond.(*ast.BinaryExpr); ok {
		op = n.Op
		m.conditions[cond] = true
	}
	if op != token.LAND {
		m.replace(cond, "(%s) || true", m.text(cond))
	}
	if op != token.LOR {
		m.replace(cond, "(%s) && false", m.text(cond))
	}
}

// cases takes each case out of a switch, and each of its values.
func (m *mutator) cases(n *ast.SwitchStmt) {
	for _, clause := range n.Body.List {
		clause := clause.(*ast.CaseClause)
		if n.Tag == nil {
			for _, cond := range clause.List {
				m.condition(cond)
			}
			continue
		}
		if clause.List != nil {
			m.edit(clause.Pos(), clause.End(), "")
		}
		m.list(clause.List)
	}
}

// list takes each out of a list of several.
func (m *mutator) list(exprs []ast.Expr) {
	for i := range exprs {
		switch {
		case i > 0:
			m.edit(exprs[i-1].End(), exprs[i].End(), "")
		case len(exprs) > 1:
			m.edit(exprs[0].Pos(), exprs[1].Pos(), "")
		}
	}
}

// others is what each operator is mistaken for.
var others = map[token.Token]string{
	token.EQL: "!=", token.NEQ: "==", token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	token.ADD: "-", token.SUB: "+", token.MUL: "+", token.QUO: "*", token.REM: "*",
	token.AND: "|", token.OR: "&", token.XOR: "|", token.SHL: ">>", token.SHR: "<<",
	token.INC: "--", token.DEC: "++",
	token.ADD_ASSIGN: "-=", token.SUB_ASSIGN: "+=", token.OR_ASSIGN: "=", token.AND_ASSIGN: "=",
	token.SHL_ASSIGN: ">>=", token.SHR_ASSIGN: "<<=",
}

func (m *mutator) operator(at token.Pos, op token.Token) {
	if other, ok := others[op]; ok {
		m.edit(at, at+token.Pos(len(op.String())), other)
	}
}

// binary mistakes the operator for another, or leaves out each part of several with &&
// or ||. Tests that catch those without one part also catch && in place of ||.
func (m *mutator) binary(n *ast.BinaryExpr) {
	without := map[token.Token]string{token.LAND: "(%s || true)", token.LOR: "(%s && false)"}[n.Op]
	if without == "" {
		if equality := n.Op == token.EQL || n.Op == token.NEQ; !equality || !m.conditions[n] {
			m.operator(n.OpPos, n.Op)
		}
		return
	}
	for _, operand := range []ast.Expr{n.X, n.Y} {
		m.conditions[operand] = true
		if inner, ok := operand.(*ast.BinaryExpr); ok && inner.Op == n.Op {
			continue // its own parts are those
		}
		m.replace(operand, without, m.text(operand))
	}
}

// literal shifts numbers and characters by one, and adds to short names. Sentences
// are left alone: what they say is not for a test to repeat.
func (m *mutator) literal(n *ast.BasicLit) {
	switch n.Kind {
	case token.INT:
		if value, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			m.replace(n, "%d", value+1)
			m.replace(n, "(%d)", value-1)
		}
	case token.CHAR:
		if value, _, _, err := strconv.UnquoteChar(n.Value[1:len(n.Value)-1], '\''); err == nil {
			m.replace(n, "%q", value+1)
			m.replace(n, "%q", value-1)
		}
	case token.STRING:
		if len(n.Value) <= 40 && !strings.ContainsAny(n.Value, " \n") {
			m.edit(n.End()-1, n.End()-1, "~")
		}
	}
}

// bounds leaves the bounds of a slice out, and shifts them by one.
func (m *mutator) bounds(n *ast.SliceExpr) {
	for _, bound := range []ast.Expr{n.Low, n.High} {
		if bound == nil {
			continue
		}
		m.replace(bound, "")
		if _, number := bound.(*ast.BasicLit); !number {
			m.replace(bound, "%s+1", m.text(bound))
			m.replace(bound, "%s-1", m.text(bound))
		}
	}
}

// elements takes each out of a literal of a list, a map, or a struct with names.
func (m *mutator) elements(n *ast.CompositeLit) {
	if len(n.Elts) == 0 {
		return
	}
	_, named := n.Elts[0].(*ast.KeyValueExpr)
	_, array := n.Type.(*ast.ArrayType)
	if !named && !array && n.Type != nil {
		return
	}
	if len(n.Elts) == 1 {
		m.edit(n.Lbrace+1, n.Rbrace, "")
	}
	m.list(n.Elts)
}

// call puts the argument in place of a call that only changes it a little, and leaves
// out each side of a min or max.
func (m *mutator) call(n *ast.CallExpr) {
	switch f := n.Fun.(type) {
	case *ast.SelectorExpr:
		library, ok := f.X.(*ast.Ident)
		if ok && len(n.Args) == 1 && slices.Contains([]string{"bytes", "strings", "slices"}, library.Name) {
			m.replace(n, "%s", m.text(n.Args[0]))
		}
	case *ast.Ident:
		if f.Name == "min" || f.Name == "max" {
			for _, arg := range n.Args {
				m.replace(n, "%s", m.text(arg))
			}
		}
	}
}

// remove leaves a statement out.
func (m *mutator) remove(n ast.Node) {
	switch m.path[len(m.path)-2].(type) {
	case *ast.BlockStmt, *ast.CaseClause:
		m.replace(n, "")
	}
}

// results turns each result over, or puts the zero value of its type in its place.
func (m *mutator) results(n *ast.ReturnStmt) {
	types := m.resultTypes()
	if len(n.Results) == 0 {
		m.remove(n)
	}
	if len(n.Results) != len(types) {
		return
	}
	for i, result := range n.Results {
		text, typeName := m.text(result), m.text(types[i])
		switch {
		case text == "true":
			m.replace(result, "false")
		case text == "false":
			m.replace(result, "true")
		case typeName == "bool":
			m.replace(result, "!(%s)", text)
		case !slices.Contains([]string{"nil", "0", `""`, "OK", typeName + "{}", "*new(" + typeName + ")"}, text):
			m.replace(result, "%s", zeroOf(types[i], typeName))
		}
	}
}

// resultTypes are those of the function that the node is in.
func (m *mutator) resultTypes() (types []ast.Expr) {
	var results *ast.FieldList
	for _, node := range m.path {
		switch f := node.(type) {
		case *ast.FuncDecl:
			results = f.Type.Results
		case *ast.FuncLit:
			results = f.Type.Results
		}
	}
	if results == nil {
		return nil
	}
	for _, field := range results.List {
		for range max(len(field.Names), 1) {
			types = append(types, field.Type)
		}
	}
	return types
}

func zeroOf(result ast.Expr, name string) string {
	switch result.(type) {
	case *ast.StarExpr, *ast.MapType, *ast.FuncType, *ast.InterfaceType:
		return "nil"
	case *ast.ArrayType:
		if strings.HasPrefix(name, "[]") {
			return "nil"
		}
	}
	if name == "error" || name == "any" {
		return "nil"
	}
	return "*new(" + name + ")"
}
