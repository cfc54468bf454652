package chart_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// commands is what the program's command line takes, read from its source: what we ship must not name what is not there.
type commands struct {
	targets     []string
	flags       map[string][]string // subcommand → its flags: --target
	words       []string            // all subcommands and theirs: serve, dlq, list
	every       []string            // all flags of all commands
	stopSeconds int
}

var boundary = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])`)

// kebab is how a field's name becomes a flag's: DatabaseURL → database-url.
func kebab(field string) string {
	return strings.ToLower(boundary.ReplaceAllString(field, "$1$3-$2$4"))
}

func readCommands(t *testing.T) commands {
	t.Helper()
	files, err := filepath.Glob(root + "/services/cmd/evenkeel/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("the program's source is not found (%v)", err)
	}
	c := commands{targets: []string{"gateway"}, flags: map[string][]string{}, every: []string{"--help", "--version"}}
	structs := map[string][]string{}
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok {
					c.read(structs, n.Name.Name, s)
				}
			case *ast.FuncDecl:
				if n.Name.Name == "all" && n.Recv == nil {
					ast.Inspect(n.Body, func(n ast.Node) bool {
						if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "New" {
							c.targets = append(c.targets, fmt.Sprint(call.X))
						}
						return true
					})
				}
			case *ast.ValueSpec:
				if n.Names[0].Name == "stopWithin" {
					if product, ok := n.Values[0].(*ast.BinaryExpr); ok {
						c.stopSeconds, _ = strconv.Atoi(product.X.(*ast.BasicLit).Value)
					}
				}
			}
			return true
		})
	}
	c.flags["serve"], c.flags["migrate"] = structs["serveCommand"], structs["migrateCommand"]
	if len(c.targets) < 11 || len(c.flags["serve"]) < 10 || len(c.flags["migrate"]) < 2 || c.stopSeconds == 0 {
		t.Fatalf("the program's source is not read as it is written: %+v", c)
	}
	return c
}

func (c *commands) read(structs map[string][]string, name string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		if f.Tag == nil || len(f.Names) == 0 {
			continue
		}
		text, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			continue
		}
		tag := reflect.StructTag(text)
		flag := tag.Get("name")
		if flag == "" {
			flag = kebab(f.Names[0].Name)
		}
		_, isCommand := tag.Lookup("cmd")
		_, isArgument := tag.Lookup("arg")
		switch {
		case isCommand:
			c.words = append(c.words, flag)
		case tag.Get("help") != "" && !isArgument:
			structs[name] = append(structs[name], "--"+flag)
			c.every = append(c.every, "--"+flag)
		}
	}
}

// problems of a command line and its variables: EVENKEEL_LOG_LEVEL is --log-level.
func (c commands) problems(args []string, env map[string]string) (out []string) {
	if len(args) == 0 || c.flags[args[0]] == nil {
		return []string{fmt.Sprintf("runs %v: want serve or migrate", args)}
	}
	known := c.flags[args[0]]
	for _, a := range args[1:] {
		flag, value, _ := strings.Cut(a, "=")
		if !slices.Contains(known, flag) {
			out = append(out, fmt.Sprintf("evenkeel %s has no %s", args[0], flag))
		}
		if flag == "--target" && !slices.Contains(c.targets, value) {
			out = append(out, fmt.Sprintf("there is no target %s", value))
		}
	}
	for name := range env {
		setting, ours := strings.CutPrefix(name, "EVENKEEL_")
		flag := "--" + strings.ToLower(strings.ReplaceAll(setting, "_", "-"))
		if ours && !slices.Contains(known, flag) && !(args[0] == "migrate" && name == "EVENKEEL_ADMIN_DATABASE_URL") {
			out = append(out, fmt.Sprintf("evenkeel %s does not read %s", args[0], name))
		}
	}
	slices.Sort(out)
	return out
}
