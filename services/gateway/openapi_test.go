package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/syntax"
)

type parameterOf struct {
	Ref, Name, In string
	Required      bool
}

type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []parameterOf
	RequestBody *struct {
		Content map[string]struct {
			Schema struct {
				Properties map[string]json.RawMessage
				Required   []string
			}
		}
	}
	Responses map[string]struct {
		Headers map[string]json.RawMessage
		Content map[string]json.RawMessage
	}
}

// The document has every call that is served and no other, with the parameters, fields, headers and answers that the gateway takes and gives.
func TestTheDocumentSaysWhatIsServed(t *testing.T) {
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]operation
	}
	// $ref is no Go name.
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(document), `"$ref"`, `"ref"`)), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("openapi %q", doc.OpenAPI)
	}
	own := []string{"/v1/platform/status", "/v1/sandbox/clock", "/v1/sandbox/clock:advance", "/v1/sandbox/quiet"}
	for path, methods := range doc.Paths {
		for method := range methods {
			if _, ok := routes[strings.ToUpper(method)+" "+path]; !ok && !slices.Contains(own, path) {
				t.Errorf("the document has %s %s, which is not served", method, path)
			}
		}
	}
	for _, path := range own {
		if len(doc.Paths[path]) == 0 {
			t.Errorf("the document lacks %s", path)
		}
	}
	for call, r := range routes {
		o, ok := doc.Paths[r.pattern][strings.ToLower(r.method)]
		if !ok {
			t.Errorf("the document lacks %s: make generate", call)
			continue
		}
		var query []string
		key := false
		for _, p := range o.Parameters {
			if p.In == "query" {
				query = append(query, p.Name)
			}
			key = key || p.Ref == "#/components/parameters/IdempotencyKey"
		}
		slices.Sort(query)
		if want := slices.Sorted(slices.Values(r.query)); !slices.Equal(query, want) {
			t.Errorf("%s: the document has the parameters %v, the call takes %v", call, query, want)
		}
		command := r.method == http.MethodPost && !readsByPost(r.pattern)
		if key != command {
			t.Errorf("%s: an Idempotency-Key is in the document: %v", call, key)
		}
		if _, has := o.Responses["422"]; has != (r.method == http.MethodPost || len(query) > 0) {
			t.Errorf("%s: the document says that a rule may refuse it: %v", call, has)
		}
		made, has := o.Responses["201"]
		if _, location := made.Headers["Location"]; has != r.creates || location != (r.created != "") {
			t.Errorf("%s: the document says that it makes something: %v, to be found: %v", call, has, location)
		}
		if r.method == http.MethodPost {
			want := fieldsOf(r.rpc.Input(), r.pattern)
			var have []string
			for name := range o.RequestBody.Content["application/json"].Schema.Properties {
				have = append(have, name)
			}
			slices.Sort(have)
			slices.Sort(want)
			if !slices.Equal(have, want) {
				t.Errorf("%s: the document has the fields %v, the body has %v", call, have, want)
			}
		}
		page := r.rpc.Output().FullName() == protoreflect.FullName("google.api.HttpBody")
		if _, asJSON := o.Responses["200"].Content["application/json"]; asJSON == page {
			t.Errorf("%s: the document says that the answer is JSON: %v", call, asJSON)
		}
	}
}

// What the form of a call demands is required in the document; what only a rule demands is found by TestWhatIsRequiredIsAskedFor of services/tests/security.
func TestTheDocumentSaysWhatIsRequired(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	body, query := 0, 0
	for call, r := range routes {
		o := doc.Paths[r.pattern][strings.ToLower(r.method)]
		var missing []string // of a call with nothing in it
		said := func(name string) bool {
			return slices.Contains(o.RequestBody.Content["application/json"].Schema.Required, name)
		}
		if r.method == http.MethodGet {
			_, bad := ask(nil, r, pathOf(r))
			for _, e := range bad {
				missing = append(missing, e.Field)
			}
			said = func(name string) bool {
				return slices.ContainsFunc(o.Parameters, func(p parameterOf) bool { return p.Name == name && p.Required })
			}
			query += len(missing)
		} else {
			m := dynamicpb.NewMessage(r.rpc.Input())
			for name, value := range pathOf(r) {
				f := r.rpc.Input().Fields().ByTextName(name)
				if f.Kind() == protoreflect.Int32Kind {
					m.Set(f, protoreflect.ValueOfInt32(1))
					continue
				}
				m.Set(f, protoreflect.ValueOfString(value))
			}
			var no refuse.List
			syntax.Check(m, &no)
			for _, e := range no.Reasons() {
				missing = append(missing, e.Field)
			}
			body += len(missing)
		}
		for _, name := range missing {
			if !said(name) {
				t.Errorf("%s: without %s it is refused, and the document does not say that it is required", call, name)
			}
		}
	}
	if body < 30 || query < 5 {
		t.Errorf("only %d fields and %d parameters are required", body, query)
	}
}

// pathOf has something in each place of a path.
func pathOf(r route) map[string]string {
	path := map[string]string{}
	for _, part := range strings.Split(r.pattern, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		path[name] = "x"
	}
	return path
}

// Anybody may read the document.
func TestTheDocumentIsServed(t *testing.T) {
	e := open(t, Config{})
	if w := e.call("GET", "/openapi.json", "", "Authorization", ""); w.StatusCode != 200 || w.Header.Get("Content-Type") != "application/json" || w.text != string(document) {
		t.Errorf("%d %v", w.StatusCode, w.Header)
	}
}
