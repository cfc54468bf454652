package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// marshaler is JSON as the .proto files say it: their names, zeros shown, nothing unknown taken, one document in a body and nothing behind it.
type marshaler struct{ runtime.Marshaler }

func newMarshaler() marshaler {
	return marshaler{&runtime.HTTPBodyMarshaler{Marshaler: &runtime.JSONPb{
		MarshalOptions: protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true},
	}}}
}

// Marshal writes without blanks: protojson puts some in by chance, so that nobody relies on them.
func (m marshaler) Marshal(v any) ([]byte, error) {
	b, err := m.Marshaler.Marshal(v)
	if _, page := v.(*httpbody.HttpBody); page || err != nil {
		return b, err
	}
	var out bytes.Buffer
	out.Grow(len(b))
	if err := json.Compact(&out, b); err != nil {
		return nil, fmt.Errorf("write an answer: %w", err)
	}
	return out.Bytes(), nil
}

// NewDecoder reads a body whole: the runtime's own would leave what follows the first document unread.
func (m marshaler) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		body, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		message, ok := v.(proto.Message)
		if !ok {
			return fmt.Errorf("a body is read into a message, not into %T", v)
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return io.EOF // an empty body is an empty message, which the rules then judge
		}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: false}).Unmarshal(body, message); err != nil {
			if all := misfits(message.ProtoReflect().Descriptor(), body, ""); len(all) > 0 {
				return errors.New(strings.Join(all, "\n"))
			}
			return located(body, err)
		}
		return nil
	})
}

// misfits are all the places where a body is not what a message takes, each a JSON pointer and what is wrong there: protojson itself ends at the first. Empty where the body
// is no JSON, or fails as a whole (the same field twice).
func misfits(md protoreflect.MessageDescriptor, body []byte, at string) []string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		if at == "" {
			return nil
		}
		return []string{at + ": an object is wanted here"}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		here, value := at+"/"+escape.Replace(name), members[name]
		f := md.Fields().ByTextName(name)
		if f == nil {
			f = md.Fields().ByJSONName(name)
		}
		var elements []json.RawMessage
		switch {
		case f == nil:
			out = append(out, fmt.Sprintf("%s: there is no such field here: leave it out, or see /openapi.json for what is", here))
		case string(value) == "null":
		case f.IsList():
			if err := json.Unmarshal(value, &elements); err != nil {
				out = append(out, here+": a list is wanted here")
			}
			for i, element := range elements {
				out = append(out, misfit(f, element, fmt.Sprintf("%s/%d", here, i))...)
			}
		default:
			out = append(out, misfit(f, value, here)...)
		}
	}
	return out
}

// misfit is what is wrong with one value of a field, an element where the field is a list.
func misfit(f protoreflect.FieldDescriptor, value []byte, at string) []string {
	if f.Message() != nil && !f.IsMap() && f.Message().ParentFile().Package() != "google.protobuf" {
		return misfits(f.Message(), value, at)
	}
	document := []byte(fmt.Sprintf(`{%q: %s}`, f.JSONName(), value))
	if f.IsList() {
		document = []byte(fmt.Sprintf(`{%q: [%s]}`, f.JSONName(), value))
	}
	err := (protojson.UnmarshalOptions{}).Unmarshal(document, dynamicpb.NewMessage(f.ContainingMessage()))
	if err == nil {
		return nil
	}
	wanted := "a value of another kind is wanted here"
	switch f.Kind() {
	case protoreflect.EnumKind:
		var names []string
		for i := range f.Enum().Values().Len() {
			if v := f.Enum().Values().Get(i); v.Number() != 0 {
				names = append(names, string(v.Name()))
			}
		}
		wanted = "one of " + strings.Join(names, ", ") + " is wanted here"
	case protoreflect.StringKind:
		wanted = "a text in double quotes is wanted here"
	case protoreflect.BoolKind:
		wanted = "true or false is wanted here"
	case protoreflect.BytesKind:
		wanted = "a text in base64 is wanted here"
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		wanted = "a whole number is wanted here"
	case protoreflect.MessageKind:
		wanted = "a " + string(f.Message().Name()) + " is wanted here"
	}
	return []string{at + ": " + wanted}
}

var position = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

// located puts a JSON pointer before a decoder's message, which travels as text from here on.
func located(body []byte, err error) error {
	text := decoded(err.Error())
	if m := position.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1]) // digits
		column, _ := strconv.Atoi(m[2])
		if p := pointerAt(body, line, column); p != "" {
			return fmt.Errorf("%s: %s", p, text)
		}
	}
	return errors.New(text)
}

// pointerAt is the JSON pointer of what stands at a line and column; "" where the text is no JSON up to there.
func pointerAt(body []byte, line, column int) string {
	at := 0
	for range line - 1 {
		n := bytes.IndexByte(body[at:], '\n')
		if n < 0 {
			return ""
		}
		at += n + 1
	}
	for range column - 1 {
		_, size := utf8.DecodeRune(body[at:])
		at += size
	}
	type level struct {
		array, hasKey bool
		key           string
		index         int
	}
	var stack []level
	path := func() string {
		var b strings.Builder
		for _, l := range stack {
			switch {
			case l.array:
				fmt.Fprintf(&b, "/%d", l.index)
			case l.hasKey:
				b.WriteString("/" + escape.Replace(l.key))
			}
		}
		return b.String()
	}
	d := json.NewDecoder(bytes.NewReader(body))
	done := func() { // a value has ended
		if n := len(stack); n > 0 {
			if stack[n-1].array {
				stack[n-1].index++
			} else {
				stack[n-1].hasKey = false
			}
		}
	}
	for {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		n := len(stack)
		key := false
		if n > 0 && !stack[n-1].array && !stack[n-1].hasKey {
			if name, ok := t.(string); ok {
				stack[n-1].key, stack[n-1].hasKey, key = name, true, true
			}
		}
		if int(d.InputOffset()) > at {
			return path()
		}
		switch delim, ok := t.(json.Delim); {
		case key: // its value follows
		case ok && (delim == '{' || delim == '['):
			stack = append(stack, level{array: delim == '['})
		case ok:
			stack = stack[:n-1]
			done()
		default:
			done()
		}
	}
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")
