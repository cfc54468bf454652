package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/syntax"
)

// ask is what a GET asks for, from its query and its path, and everything that is wrong with the form of its parameters. Those stay out of the message: they would filter
// everything away, and "nothing is there" would be a wrong answer.
func ask(query url.Values, to route, path map[string]string) (proto.Message, []ProblemError) {
	m := dynamicpb.NewMessage(to.rpc.Input())
	var bad []ProblemError
	no := func(name, rule, message string) {
		bad = append(bad, ProblemError{Field: name, RuleID: rule, RuleVersion: 1, Message: message, Owner: "integrations"})
	}
	for name, value := range path {
		if f := m.Descriptor().Fields().ByTextName(name); f != nil && f.Kind() == protoreflect.StringKind {
			m.Set(f, protoreflect.ValueOfString(value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		f := m.Descriptor().Fields().ByTextName(name)
		if f == nil || !slices.Contains(to.query, name) {
			continue // told as unknown
		}
		if len(query[name]) > 1 && !f.IsList() {
			no(name, "syntax.query", "This parameter is there more than once: send one.")
			continue
		}
		for _, v := range query[name] {
			if v == "" { // as if it were not there
				continue
			}
			part := m.New().Interface()
			if protojson.Unmarshal(object(f.JSONName(), parameter(f, v)), part) != nil {
				no(name, "syntax.query", wanted(f)+" is wanted here.")
				break
			}
			proto.Merge(m, part)
		}
	}
	var broken refuse.List
	syntax.CheckRead(m, &broken)
	for _, e := range errorsOf(broken.Reasons()) {
		f := m.Descriptor().Fields().ByTextName(e.Field)
		told := slices.ContainsFunc(bad, func(b ProblemError) bool { return b.Field == e.Field })
		if _, inPath := path[e.Field]; f == nil || inPath || told {
			continue // an id in the path is found or not
		}
		e.Pointer = "" // it stands in no body
		bad = append(bad, e)
		m.Clear(f)
	}
	return m, bad
}

// filledIn is a request without the parameters that nothing was filled into, as a form sends them: as if they were not there, where the router would look for a choice without a name.
func filledIn(r *http.Request) *http.Request {
	query := r.URL.Query()
	for name, values := range query {
		query[name] = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = query.Encode()
	return r
}

// parameter is a text of the query as JSON has it.
func parameter(f protoreflect.FieldDescriptor, v string) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a text always marshals
	}
	if f.Kind() == protoreflect.BoolKind {
		text = []byte(v)
	}
	if f.IsList() {
		text = slices.Concat([]byte{'['}, text, []byte{']'})
	}
	return text
}

// ruled are the reasons of the service itself against the rest of a list's question, so that they stand beside what is wrong with its form. Whether the rest would be answered does
// not matter here.
func (e *edge) ruled(ctx context.Context, to route, question proto.Message, bad []ProblemError) (more []ProblemError) {
	if !slices.Contains(to.query, "page_token") {
		return nil
	}
	conn, err := e.rt.Process.Conn(to.service)
	if err != nil {
		return nil // it is told when somebody asks well
	}
	err = conn.Invoke(ctx, fmt.Sprintf("/%s/%s", to.rpc.Parent().FullName(), to.rpc.Name()), question, dynamicpb.NewMessage(to.rpc.Output()))
	for _, one := range problemOf(err).Errors {
		if !slices.ContainsFunc(bad, func(b ProblemError) bool { return b.Field == one.Field }) {
			one.Pointer = ""
			more = append(more, one)
		}
	}
	return more
}
