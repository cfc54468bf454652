// Openapi finishes the document that protoc-gen-openapiv3 and openapiv3-merge make: names as the gateway sends them, comments and limits of fields, which of them are required, problem documents, headers, security,
// and the calls that are not from a .proto file.
//
//	openapi MERGED.json IMAGE.binpb > services/gateway/openapi.json
//
// IMAGE is `buf build` of the same .proto files. That the document says what the gateway does is proven there (TestTheDocumentSaysWhatIsServed).
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/syntax"
)

type object = map[string]any

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: openapi MERGED.json IMAGE.binpb > openapi.json")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var doc object
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%s: %w", os.Args[1], err)
	}
	image, err := os.ReadFile(os.Args[2])
	if err != nil {
		return err
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(image, &set); err != nil {
		return fmt.Errorf("%s: %w", os.Args[2], err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return fmt.Errorf("%s: %w", os.Args[2], err)
	}
	rename(doc)
	explain(doc, files)
	finish(doc)
	own(doc)
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	out.SetEscapeHTML(false)
	return out.Encode(doc)
}

// rename turns the names of properties and parameters into those of the .proto files, which the gateway uses.
func rename(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			rename(item)
		}
	case object:
		if properties, ok := v["properties"].(object); ok {
			renamed := object{}
			for name, schema := range properties {
				renamed[snake(name)] = schema
			}
			v["properties"] = renamed
		}
		if required, ok := v["required"].([]any); ok {
			for i, name := range required {
				required[i] = snake(name.(string))
			}
		}
		if in, ok := v["in"].(string); ok && in == "query" {
			parts := strings.Split(v["name"].(string), ".")
			for i := range parts {
				parts[i] = snake(parts[i])
			}
			v["name"] = strings.Join(parts, ".")
		}
		for _, item := range v {
			rename(item)
		}
	}
}

func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// explain gives properties and parameters their fields' comments, and takes away what the platform itself writes.
func explain(doc object, files *protoregistry.Files) {
	schemas := at(doc, "components", "schemas")
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "evenkeel.") {
			return true
		}
		for i := range f.Messages().Len() {
			m := f.Messages().Get(i)
			if s, ok := schemas[string(m.FullName())].(object); ok {
				fields(s, m)
			}
		}
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				method(doc, s.Methods().Get(j))
			}
		}
		return true
	})
}

func method(doc object, m protoreflect.MethodDescriptor) {
	rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	verb, path := "get", rule.GetGet()
	if path == "" {
		verb, path = "post", rule.GetPost()
	}
	o := at(doc, "paths", path, verb)
	body := at(o, "requestBody", "content", "application/json", "schema")
	fields(body, m.Input())
	required, _ := body["required"].([]any)
	for _, name := range required { // of a request alone: what is read may be empty where it was imported
		if p := at(body, "properties", name.(string)); p["type"] == "string" && p["minLength"] == nil && p["enum"] == nil && p["pattern"] == nil {
			p["minLength"] = 1
		}
	}
	list, _ := o["parameters"].([]any)
	o["parameters"] = slices.DeleteFunc(list, func(p any) bool {
		f := m.Input().Fields().ByName(protoreflect.Name(p.(object)["name"].(string)))
		if f == nil {
			return false
		}
		if c := comment(f); c != "" {
			p.(object)["description"] = c
		}
		if p.(object)["in"] == "query" {
			if limit(at(p.(object), "schema"), f) {
				p.(object)["required"] = true
			}
			if f.Name() == "page_size" { // of all lists alike: see pkg/page
				at(p.(object), "schema")["minimum"], at(p.(object), "schema")["maximum"] = 0, page.Most
			}
		}
		return filled(f)
	})
}

// fields explains the properties of one schema.
func fields(schema object, m protoreflect.MessageDescriptor) {
	properties := at(schema, "properties")
	var required []any
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		s, ok := properties[string(f.Name())].(object)
		if !ok {
			continue
		}
		if filled(f) {
			delete(properties, string(f.Name()))
		} else if c := comment(f); c != "" {
			s["description"] = c
		}
		if limit(s, f) && !filled(f) {
			required = append(required, string(f.Name()))
		}
	}
	if required != nil {
		schema["required"] = required
	}
}

// limit writes into a schema what the field's rules say of its values; needed: a message without it is refused, by its form or by a rule.
func limit(s object, f protoreflect.FieldDescriptor) (needed bool) {
	rules, err := protovalidate.ResolveFieldRules(f)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", f.FullName(), err)) // our own .proto files
	}
	marked, _ := proto.GetExtension(f.Options(), typev1.E_Needed).(bool)
	optional := rules.GetIgnore() == validate.Ignore_IGNORE_IF_ZERO_VALUE
	needed = marked || rules.GetRequired()
	switch {
	case f.IsMap():
		if n := rules.GetMap().GetMinPairs(); n > 0 {
			s["minProperties"], needed = n, true
		}
		texts(subschema(s, "propertyNames"), rules.GetMap().GetKeys().GetString())
		numbers(at(s, "additionalProperties"), rules.GetMap().GetValues())
	case f.IsList():
		if n := max(rules.GetRepeated().GetMinItems(), least(marked)); n > 0 {
			s["minItems"], needed = n, true
		}
		if n := rules.GetRepeated().GetMaxItems(); n > 0 {
			s["maxItems"] = n
		}
	case f.Kind() == protoreflect.StringKind:
		needed = texts(s, rules.GetString()) && !optional || needed
	case f.Kind() == protoreflect.EnumKind:
		needed = needed || slices.Contains(rules.GetEnum().GetNotIn(), 0)
		if needed { // the word that says nothing is not taken
			delete(s, "$ref")
			s["type"], s["enum"] = "string", syntax.Taken(f)
		} else if len(rules.GetEnum().GetIn()) > 0 {
			delete(s, "$ref")
			nothing := string(f.Enum().Values().ByNumber(0).Name())
			s["type"], s["enum"] = "string", append([]string{nothing}, syntax.Taken(f)...)
		}
	default:
		needed = numbers(s, rules) && !optional || needed
	}
	return needed
}

// subschema is the schema at a name, made where there is none.
func subschema(s object, name string) object {
	if _, ok := s[name]; !ok {
		s[name] = object{}
	}
	return at(s, name)
}

// least is how many elements a list has that a rule wants.
func least(marked bool) uint64 {
	if marked {
		return 1
	}
	return 0
}

// texts writes what a text may be; needed: the empty one is none of it.
func texts(s object, rules *validate.StringRules) (needed bool) {
	if n := max(rules.GetMinLen(), rules.GetLen()); n > 0 {
		s["minLength"] = n
	}
	if n := max(rules.GetMaxLen(), rules.GetLen()); n > 0 {
		s["maxLength"] = n
	}
	if rules.GetPattern() != "" {
		s["pattern"] = rules.GetPattern()
		needed = !regexp.MustCompile(rules.GetPattern()).MatchString("")
	}
	if rules.GetPattern() == `^\d{4}-\d{2}-\d{2}$` {
		s["format"] = "date"
	}
	if len(rules.GetIn()) > 0 {
		s["enum"] = rules.GetIn()
	}
	return needed || rules.GetMinLen() > 0 || rules.GetLen() > 0 || len(rules.GetIn()) > 0 && !slices.Contains(rules.GetIn(), "")
}

// numbers writes the range of a whole number; needed: 0 is not in it. 64 bits are texts in JSON, whose digits a pattern counts.
func numbers(s object, rules *validate.FieldRules) (needed bool) {
	switch {
	case rules.GetInt32() != nil:
		r := rules.GetInt32()
		if _, ok := r.GetGreaterThan().(*validate.Int32Rules_Gte); ok {
			s["minimum"] = r.GetGte()
		}
		if _, ok := r.GetLessThan().(*validate.Int32Rules_Lte); ok {
			s["maximum"] = r.GetLte()
		}
		return r.GetGte() > 0
	case rules.GetInt64() != nil:
		r := rules.GetInt64()
		if digits := strconv.FormatInt(r.GetLte(), 10); r.GetGte() == -r.GetLte() && strings.Trim(digits, "9") == "" {
			s["pattern"] = fmt.Sprintf("^-?[0-9]{1,%d}$", len(digits))
		}
		return r.GetGte() > 0
	}
	return false
}

// filled fields are written by the platform; who sends them is refused.
func filled(f protoreflect.FieldDescriptor) bool {
	fill, _ := proto.GetExtension(f.Options(), typev1.E_Fill).(typev1.Fill)
	return fill != typev1.Fill_FILL_UNSPECIFIED
}

func comment(f protoreflect.FieldDescriptor) string {
	at := f.ParentFile().SourceLocations().ByDescriptor(f)
	return strings.Join(strings.Fields(at.LeadingComments+" "+at.TrailingComments), " ")
}

// at is the object at a path; an empty one that belongs to nothing where there is none.
func at(o object, path ...string) object {
	for _, name := range path {
		next, ok := o[name].(object)
		if !ok {
			return object{}
		}
		o = next
	}
	return o
}

func ref(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

func text(description string) object {
	return object{"description": description, "schema": object{"type": "string"}}
}

// bodies of calls that answer no JSON, by the path's verb.
var bodies = map[string]string{":html": "text/html", ":pdf": "application/pdf", ":content": "application/edi-x12"}

func finish(doc object) {
	doc["info"] = object{
		"title": "Evenkeel", "version": "v1",
		"description": "The revenue cycle of behavioral-health groups. Amounts are {amount_minor, currency} in cents; 64-bit numbers are JSON strings; days are YYYY-MM-DD; instants are UTC. " +
			"Every POST carries an Idempotency-Key: the same key and body give the first answer again, for ever.",
	}
	doc["servers"] = []any{object{"url": "/"}}
	doc["security"] = []any{object{"api_key": []any{}}, object{"session": []any{}}}
	components := doc["components"].(object)
	components["securitySchemes"] = object{
		"api_key": object{"type": "http", "scheme": "bearer", "description": "An API key: ek_…"},
		"session": object{"type": "apiKey", "in": "cookie", "name": "evenkeel_session", "description": "Of the console. A POST also carries X-CSRF-Token."},
	}
	header := func(name, description string, required bool) object {
		return object{"name": name, "in": "header", "required": required, "description": description, "schema": object{"type": "string"}}
	}
	components["parameters"] = object{
		"RequestId":        header("X-Request-Id", "Echoed; a UUID becomes the correlation id of the events.", false),
		"ConsistencyToken": header("X-Consistency-Token", "Of an earlier receipt: the answer reflects that write. May be sent several times.", false),
		"IdempotencyKey":   header("Idempotency-Key", "New for each new request, the same when it is repeated. At most 255 printable characters.", true),
		"IfMatch":          header("If-Match", "The version that was read, in double quotes, as ETag gives it; another one is 412.", false),
		"DryRun":           header("X-Dry-Run", "true: says what would be recorded, and records nothing.", false),
	}
	components["headers"] = object{
		"RequestId": text("The request's id, as in problem documents and logs."), "ETag": text("The version, in double quotes: send it as If-Match."),
		"Location": text("Where what was made can be read."), "IdempotentReplayed": text("true: the key had been used with this body, this is the first answer."),
		"ConsistencyToken": text("As in the receipt."), "RetryAfter": text("Seconds."),
		"RateLimitLimit": text("Requests that may come at once."), "RateLimitRemaining": text("Of those, how many are left."), "RateLimitReset": text("Seconds until all are there again."),
	}
	schemas := components["schemas"].(object)
	delete(schemas, "google.rpc.Status")
	delete(schemas, "google.protobuf.Any")
	delete(schemas, "google.api.HttpBody")
	schemas["Problem"] = object{
		"type": "object", "description": "RFC 9457. All reasons at once.", "required": []any{"type", "title", "status", "code", "detail"},
		"properties": object{
			"type": object{"type": "string"}, "title": object{"type": "string"}, "status": object{"type": "integer"}, "code": object{"type": "string", "description": "stable"},
			"detail": object{"type": "string"}, "instance": object{"type": "string", "description": "the request's id"},
			"errors": object{"type": "array", "items": object{"type": "object", "required": []any{"message"}, "properties": object{
				"pointer": object{"type": "string", "description": "JSON pointer into the body"}, "field": object{"type": "string", "description": "the same as a path: lines[1].service_code; of a header or parameter its name"},
				"rule_id": object{"type": "string", "description": "stable"}, "rule_version": object{"type": "integer"}, "message": object{"type": "string"},
				"owner": object{"type": "string", "description": "the team that can mend it"},
			}}},
		},
	}
	responses := object{}
	for status, why := range problems {
		r := object{"description": why, "headers": object{"X-Request-Id": ref("headers", "RequestId")}, "content": object{"application/problem+json": object{"schema": ref("schemas", "Problem")}}}
		if status == "429" || status == "503" {
			r["headers"].(object)["Retry-After"] = ref("headers", "RetryAfter")
		}
		responses["Problem"+status] = r
	}
	components["responses"] = responses
	paths := doc["paths"].(object)
	for path, item := range paths {
		for method, op := range item.(object) {
			if o, ok := op.(object); ok {
				operation(paths, path, method, o)
			}
		}
	}
}

// problems by status.
var problems = map[string]string{
	"400": "Not well formed: errors say where.", "401": "Nobody is signed in.", "403": "This role may not do that.", "404": "There is no such thing.",
	"412": "It has changed since it was read.", "413": "The body is too large.", "415": "Send application/json.", "422": "The rules do not allow it: errors say which; or the Idempotency-Key was used for another body.",
	"429": "Too many requests.", "500": "Our fault; it was logged under the request id.", "501": "This platform does not run that part.", "503": "Try again in a moment.",
	"504": "It took too long: repeat it with the same Idempotency-Key.",
}

func operation(paths object, path, method string, o object) {
	parameters, _ := o["parameters"].([]any)
	parameters = append(parameters, ref("parameters", "RequestId"), ref("parameters", "ConsistencyToken"))
	responses := o["responses"].(object)
	delete(responses, "default")
	ok := responses["200"].(object)
	headers := object{
		"X-Request-Id": ref("headers", "RequestId"), "RateLimit-Limit": ref("headers", "RateLimitLimit"), "RateLimit-Remaining": ref("headers", "RateLimitRemaining"),
		"RateLimit-Reset": ref("headers", "RateLimitReset"),
	}
	ok["headers"] = headers
	may := []string{"400", "401", "403", "404", "429", "500", "501", "503", "504"}
	for verb, kind := range bodies {
		if strings.HasSuffix(path, verb) {
			ok["description"] = "The document itself."
			ok["content"] = object{kind: object{"schema": object{"type": "string", "contentMediaType": kind}}}
		}
	}
	if method == "post" {
		may = append(may, "413", "415")
	}
	if asks := slices.ContainsFunc(parameters, func(p any) bool { return p.(object)["in"] == "query" }); asks || strings.HasSuffix(path, ":search") {
		may = append(may, "422") // a rule may say that a day is none, a number nobody's
	}
	if method == "post" && !strings.HasSuffix(path, ":search") {
		may = append(may, "412", "422")
		parameters = append(parameters, ref("parameters", "IdempotencyKey"), ref("parameters", "IfMatch"), ref("parameters", "DryRun"))
		headers["ETag"], headers["X-Consistency-Token"], headers["Idempotent-Replayed"] = ref("headers", "ETag"), ref("headers", "ConsistencyToken"), ref("headers", "IdempotentReplayed")
		ok["description"] = "Recorded; or nothing had to change; or a dry run."
		if makes, readable := creates(paths, path); makes {
			made := object{"description": "Made.", "content": ok["content"], "headers": object{}}
			for name, h := range headers {
				made["headers"].(object)[name] = h
			}
			if readable {
				made["headers"].(object)["Location"] = ref("headers", "Location")
			}
			responses["201"] = made
		}
	} else if strings.HasSuffix(path, "}") {
		headers["ETag"] = ref("headers", "ETag")
	}
	for _, status := range may {
		responses[status] = ref("responses", "Problem"+status)
	}
	o["parameters"] = parameters
}

// creates says whether a POST makes something, and whether that can be read by its id: as the gateway answers.
func creates(paths object, path string) (makes, readable bool) {
	last := path[strings.LastIndex(path, "/")+1:]
	if strings.Contains(last, ":") {
		return false, false
	}
	for other, item := range paths {
		id, ok := strings.CutPrefix(other, "/v1/"+last+"/{")
		if _, get := item.(object)["get"]; ok && get && strings.IndexByte(id, '}') == len(id)-1 {
			readable = true
		}
	}
	return readable || !strings.Contains(path, "{"), readable
}

// own adds the calls of the gateway itself.
func own(doc object) {
	answer := func(description string, properties object) object {
		out := object{"200": object{"description": description, "content": object{"application/json": object{"schema": object{"type": "object", "properties": properties}}}}}
		for _, status := range []string{"400", "401", "403", "404", "429", "500", "503"} {
			out[status] = ref("responses", "Problem"+status)
		}
		return out
	}
	now := object{"now": object{"type": "string", "format": "date-time"}}
	paths := doc["paths"].(object)
	paths["/v1/platform/status"] = object{"get": object{
		"operationId": "Platform_Status", "tags": []any{"Platform"}, "summary": "How far each service has come: its log, its consumers, its timers, its parked events. For administrators.",
		"responses": answer("One entry for each service that answers, and in `silent` those that do not.", object{
			"services": object{"type": "array", "items": object{"type": "object"}},
			"silent": object{"type": "array", "items": object{"type": "object", "required": []any{"service", "detail"}, "properties": object{
				"service": object{"type": "string"}, "detail": object{"type": "string"},
			}}},
		}),
	}}
	paths["/v1/sandbox/clock"] = object{"get": object{
		"operationId": "Sandbox_Clock", "tags": []any{"Sandbox"}, "summary": "The time of a sandbox. 404 where the clock is the real one.", "responses": answer("Now.", now),
	}}
	advance := answer("Now.", now)
	for _, status := range []string{"413", "415", "422"} {
		advance[status] = ref("responses", "Problem"+status)
	}
	paths["/v1/sandbox/clock:advance"] = object{"post": object{
		"operationId": "Sandbox_Advance", "tags": []any{"Sandbox"}, "summary": "Moves a sandbox's time on; never back. Repeating it changes nothing, so it takes no Idempotency-Key.", "responses": advance,
		"requestBody": object{"required": true, "content": object{"application/json": object{"schema": object{
			"type": "object", "required": []any{"to"}, "properties": object{"to": object{"type": "string", "format": "date-time"}},
		}}}},
	}}
	paths["/v1/sandbox/quiet"] = object{"get": object{
		"operationId": "Sandbox_Quiet", "tags": []any{"Sandbox"}, "summary": "Whether everything that follows from what was sent has happened.",
		"parameters": []any{object{"name": "wait", "in": "query", "description": "Wait that long for it, at most 30s: 5s, 500ms.", "schema": object{"type": "string"}}},
		"responses":  answer("quiet, or what is left to do.", object{"quiet": object{"type": "boolean"}, "busy": object{"type": "array", "items": object{"type": "string"}}}),
	}}
}
