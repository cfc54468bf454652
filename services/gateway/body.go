package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/syntax"
)

// requestBody is the body of one call: one JSON object in UTF-8, as the call's .proto says it. protojson ends at the first thing that does not fit; this names all.
type requestBody struct {
	io.ReadCloser
	to   route
	path map[string]string // what stands in the path, by field
	bad  []ProblemError    // after reading: what is wrong
}

var errBody = errors.New("the body is not what this call takes")

// into reads the body whole. errBody: bad says why.
func (b *requestBody) into(m proto.Message) error {
	data, err := io.ReadAll(b.ReadCloser)
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	if b.bad = misread(data, m, b.to, b.path); len(b.bad) > 0 {
		return errBody
	}
	return nil
}

func misfit(pointer, rule, format string, args ...any) ProblemError {
	return ProblemError{Pointer: pointer, Field: field(pointer), RuleID: rule, RuleVersion: 1, Message: fmt.Sprintf(format, args...), Owner: "integrations"}
}

// misread reads a body into a message and gives everything that is wrong with its form. What lies in a member that could not be read is not judged any further.
func misread(data []byte, m proto.Message, to route, path map[string]string) []ProblemError {
	if len(bytes.TrimSpace(data)) == 0 {
		if len(to.takes) == 0 {
			return nil
		}
		return []ProblemError{misfit("", "request.body", "The body is missing: send a JSON object, {} at least. This call takes %s.", strings.Join(to.takes, ", "))}
	}
	if !utf8.Valid(data) {
		return []ProblemError{misfit("", "syntax.json", "The body is not UTF-8.")}
	}
	err := protojson.Unmarshal(data, m)
	if err == nil {
		return slices.Concat(elsewhere(m, path), controls(m.ProtoReflect(), ""))
	}
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return []ProblemError{misfit("", "syntax.json", "%s", notJSON(data, err))}
	}
	all, ok := members(data)
	if !ok {
		return []ProblemError{misfit("", "syntax.json", "A JSON object is wanted here: {…}.")}
	}
	proto.Reset(m)
	md := m.ProtoReflect().Descriptor()
	bad := misfits(md, data, "")
	for _, one := range all {
		part := m.ProtoReflect().New().Interface()
		if protojson.Unmarshal(object(one.name, one.value), part) == nil {
			proto.Merge(m, part)
		}
	}
	if len(bad) == 0 {
		return []ProblemError{misfit("", "syntax.json", "%s", decoded(err.Error()))}
	}
	var no refuse.List
	syntax.Check(m, &no)
	readable := slices.Concat(elsewhere(m, path), controls(m.ProtoReflect(), ""), errorsOf(no.Reasons()))
	for _, e := range readable {
		unread := func(b ProblemError) bool {
			top, _, _ := strings.Cut(b.Pointer[1:], "/")
			return refuse.Touch(nameOf(md, top), e.Field)
		}
		if _, inPath := path[e.Field]; !inPath && e.Field != "" && !slices.ContainsFunc(bad, unread) {
			bad = append(bad, e)
		}
	}
	return bad
}

// elsewhere are the fields that stand in the path, and otherwise in the body.
func elsewhere(m proto.Message, path map[string]string) (bad []ProblemError) {
	for name, value := range path {
		f := m.ProtoReflect().Descriptor().Fields().ByTextName(name)
		if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
			continue
		}
		if said := m.ProtoReflect().Get(f).String(); said != "" && said != value {
			bad = append(bad, misfit("/"+name, "request.path", "The path says another %s: leave it out here.", name))
		}
	}
	return bad
}

// controls are the texts with characters that no paper, file or database carries, or that turn the reading direction so that a text shows as another. Line ends and tabs may
// stand in notes.
func controls(m protoreflect.Message, at string) (bad []ProblemError) {
	text := func(v protoreflect.Value, at string) {
		if strings.ContainsFunc(v.String(), func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
		}) {
			bad = append(bad, misfit(at, "syntax.text", "A control character stands in this text: leave it out."))
		}
	}
	one := func(f protoreflect.FieldDescriptor, v protoreflect.Value, at string) {
		switch f.Kind() {
		case protoreflect.StringKind:
			text(v, at)
		case protoreflect.MessageKind:
			bad = append(bad, controls(v.Message(), at)...)
		}
	}
	fields := m.Descriptor().Fields() // in their order, where Range has none
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		here, v := at+"/"+string(f.Name()), m.Get(f)
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				text(k.Value(), here)
				one(f.MapValue(), v, here+"/"+escape.Replace(k.String()))
				return true
			})
		case f.IsList():
			for j := range v.List().Len() {
				one(f, v.List().Get(j), fmt.Sprintf("%s/%d", here, j))
			}
		default:
			one(f, v, here)
		}
	}
	return bad
}

// notJSON says where a text stops being JSON.
func notJSON(data []byte, err error) string {
	var at *json.SyntaxError
	if !errors.As(err, &at) || int(at.Offset) >= len(data) && strings.Contains(err.Error(), "unexpected end") {
		return "This is no JSON: it ends in the middle."
	}
	before := data[:max(0, at.Offset-1)]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("This is no JSON at line %d, column %d: %s.", line, column, at)
}

// member is one name and value of an object.
type member struct {
	name  string
	value json.RawMessage
}

// members are those of an object, in their order; false: it is no object.
func members(data []byte) ([]member, bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var out []member
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		one := member{name: name}
		if err != nil || !ok || d.Decode(&one.value) != nil {
			return nil, false
		}
		out = append(out, one)
	}
	return out, true
}

// object is a JSON object with one member.
func object(name string, value []byte) []byte {
	key, err := json.Marshal(name)
	if err != nil {
		panic(err) // a text always marshals
	}
	return slices.Concat([]byte{'{'}, key, []byte{':'}, value, []byte{'}'})
}

func named(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if f := md.Fields().ByTextName(name); f != nil {
		return f
	}
	return md.Fields().ByJSONName(name)
}

// nameOf is a field's name in its .proto; what names no field stays.
func nameOf(md protoreflect.MessageDescriptor, name string) string {
	if f := named(md, name); f != nil {
		return string(f.Name())
	}
	return name
}

// misfits are all places where a value is not what a message takes.
func misfits(md protoreflect.MessageDescriptor, data []byte, at string) (bad []ProblemError) {
	all, ok := members(data)
	if !ok {
		return []ProblemError{misfit(at, "syntax.json", "An object is wanted here: {…}.")}
	}
	seen := map[string]bool{}
	for _, one := range all {
		here := at + "/" + escape.Replace(one.name)
		f := named(md, one.name)
		name := nameOf(md, one.name)
		again := seen[name]
		seen[name] = true
		switch {
		case again:
			bad = append(bad, misfit(here, "syntax.json", "This field stands here twice: leave one."))
		case f == nil:
			bad = append(bad, misfit(here, "syntax.json", "There is no such field here: leave it out, or see /openapi.json for what there is."))
		case string(one.value) == "null": // as if it were not there
		case f.IsMap():
			bad = append(bad, misfitEntries(f, one.value, here)...)
		case f.IsList():
			var elements []json.RawMessage
			if json.Unmarshal(one.value, &elements) != nil {
				bad = append(bad, misfit(here, "syntax.json", "A list is wanted here: […]."))
			}
			for i, element := range elements {
				bad = append(bad, misfitValue(f, element, slices.Concat([]byte{'['}, element, []byte{']'}), fmt.Sprintf("%s/%d", here, i))...)
			}
		default:
			bad = append(bad, misfitValue(f, one.value, one.value, here)...)
		}
	}
	return bad
}

func misfitEntries(f protoreflect.FieldDescriptor, value []byte, at string) (bad []ProblemError) {
	entries, ok := members(value)
	if !ok {
		return []ProblemError{misfit(at, "syntax.json", "An object is wanted here: {…}.")}
	}
	seen := map[string]bool{}
	for _, e := range entries {
		one := func(format string, args ...any) {
			m := misfit(at+"/"+escape.Replace(e.name), "syntax.json", format, args...)
			m.Field = fmt.Sprintf("%s[%q]", field(at), e.name)
			bad = append(bad, m)
		}
		if seen[e.name] {
			one("This key stands here twice: leave one.")
			continue
		}
		seen[e.name] = true
		if protojson.Unmarshal(object(f.JSONName(), object(e.name, e.value)), dynamicpb.NewMessage(f.ContainingMessage())) != nil {
			one("%s is wanted here.", wanted(f.MapValue()))
		}
	}
	return bad
}

// misfitValue is what is wrong with one value of a field; asField is the value as the field itself would carry it.
func misfitValue(f protoreflect.FieldDescriptor, value, asField []byte, at string) []ProblemError {
	if f.Message() != nil && f.Message().ParentFile().Package() != "google.protobuf" {
		return misfits(f.Message(), value, at)
	}
	if protojson.Unmarshal(object(f.JSONName(), asField), dynamicpb.NewMessage(f.ContainingMessage())) == nil {
		return nil
	}
	return []ProblemError{misfit(at, "syntax.json", "%s is wanted here.", wanted(f))}
}

// wanted says what a field takes.
func wanted(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.EnumKind:
		return "One of " + strings.Join(syntax.Taken(f), ", ")
	case protoreflect.StringKind:
		return "A text in double quotes"
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.BytesKind:
		return "A text in base64"
	case protoreflect.Int32Kind:
		return "A whole number of at most 32 bits"
	case protoreflect.Int64Kind:
		return "A whole number of at most 64 bits"
	case protoreflect.MessageKind:
		if f.Message().FullName() == "google.protobuf.Timestamp" {
			return `An instant such as "2026-03-02T15:00:00Z"`
		}
	}
	return "A value of another kind"
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")
