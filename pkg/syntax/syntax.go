// Package syntax checks the form of a message: what its .proto says of lengths, ranges and patterns, and that nobody but the platform writes what the platform fills.
//
// Meaning is a decision's matter; form is the same for all callers, so it is checked once, here, and told in words that name the field, what is wanted and what to do. The promise:
// every broken constraint is a reason, with the field's proto path (TestEveryBrokenConstraintIsToldWithItsField).
package syntax

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// PlatformFills: fields marked (evenkeel.type.v1.fill) are written by the platform. A caller who sends one has misunderstood it.
var PlatformFills = refuse.Rule{ID: "request.platform_fills", Version: 1, Owner: "integrations"}

// NotBlank: a text that is only blanks says nothing. Nobody is asked for one where it may be left out; where it may not, blanks are no reason.
var NotBlank = refuse.Rule{ID: "syntax.blank", Version: 1, Owner: "integrations"}

// Fill is what the platform writes into a field; unspecified: nothing.
func Fill(f protoreflect.FieldDescriptor) typev1.Fill {
	o, ok := f.Options().(*descriptorpb.FieldOptions)
	if !ok {
		return typev1.Fill_FILL_UNSPECIFIED
	}
	return proto.GetExtension(o, typev1.E_Fill).(typev1.Fill)
}

// Check adds what is wrong with the form of a caller's message.
func Check(m proto.Message, no *refuse.List) {
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		no.If(Fill(f) != typev1.Fill_FILL_UNSPECIFIED && m.ProtoReflect().Has(f), PlatformFills, string(f.Name()), "%s is written by the platform: leave it out", f.Name())
	}
	blanks(m.ProtoReflect(), "", no)
	Constraints(m, no)
}

// blanks adds the texts, however deep, that have characters and none that can be seen.
func blanks(m protoreflect.Message, at string, no *refuse.List) {
	one := func(f protoreflect.FieldDescriptor, v protoreflect.Value, here string) {
		switch f.Kind() {
		case protoreflect.StringKind:
			no.If(Blank(v.String()), NotBlank, here, "%s: only blanks stand here: write something, or leave it out if it may be empty", here)
		case protoreflect.MessageKind:
			blanks(v.Message(), here+".", no)
		}
	}
	fields := m.Descriptor().Fields() // in their order, where Range has none
	for i := range fields.Len() {
		f := fields.Get(i)
		here, v := at+string(f.Name()), m.Get(f)
		switch {
		case !m.Has(f) || f.IsMap(): // maps of ours have codes as keys, and numbers
		case f.IsList():
			for j := range v.List().Len() {
				one(f, v.List().Get(j), fmt.Sprintf("%s[%d]", here, j))
			}
		default:
			one(f, v, here)
		}
	}
}

// Period: a question about days from … thru asks about one day at least.
var Period = refuse.Rule{ID: "request.period", Version: 1, Owner: "integrations"}

// CheckRead adds what is wrong with the form of a question: the constraints of its .proto, and a last day that is before the first.
func CheckRead(m proto.Message, no *refuse.List) {
	Constraints(m, no)
	day := func(name protoreflect.Name) string {
		f := m.ProtoReflect().Descriptor().Fields().ByName(name)
		if f == nil || f.Kind() != protoreflect.StringKind || !date.Valid(m.ProtoReflect().Get(f).String()) {
			return "" // what is no day is a rule's matter
		}
		return m.ProtoReflect().Get(f).String()
	}
	from, thru := day("from_date"), day("thru_date")
	no.If(from != "" && thru != "" && thru < from, Period, "thru_date", "the last day, %s, is before the first, %s", thru, from)
}

// Blank says whether a text has characters, and none that can be seen.
func Blank(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
}

// Constraints adds the constraints of its .proto that a message breaks.
func Constraints(m proto.Message, no *refuse.List) {
	err := protovalidate.Validate(m)
	var broken *protovalidate.ValidationError
	if err == nil {
		return
	}
	if !errors.As(err, &broken) {
		no.If(true, refuse.Rule{ID: "request.valid", Version: 1, Owner: "integrations"}, "", "%v", err)
		return
	}
	for _, v := range broken.Violations {
		field := protovalidate.FieldPathString(v.Proto.GetField())
		no.If(true, refuse.Rule{ID: "syntax." + v.Proto.GetRuleId(), Version: 1, Owner: "integrations"}, field, "%s: %s", field, words(v))
	}
}

// patterns are those of our .proto files, in words (TestEveryPatternHasWords).
var patterns = map[string]string{
	`^\d{4}-\d{2}-\d{2}$`: "write a day as YYYY-MM-DD",
	`^([A-Z0-9]{5})?$`:    "write the five capital letters or digits of a CPT or HCPCS code, without modifiers, or leave it out",
	`^([0-9]{2})?$`:       "write two digits, such as 11, or leave it out",
}

// words says what is wanted. It repeats no value: it may be PHI.
func words(v *protovalidate.Violation) string {
	var wanted []string
	if v.Proto.GetRuleId() == "required" || empty(v.FieldValue) {
		wanted = append(wanted, "it is missing")
	}
	switch {
	case v.FieldDescriptor != nil && v.FieldDescriptor.Kind() == protoreflect.EnumKind:
		wanted = append(wanted, "send one of "+strings.Join(Taken(v.FieldDescriptor), ", "))
	case v.Proto.GetRuleId() == "string.in":
		var names []string
		for i := range v.RuleValue.List().Len() {
			names = append(names, v.RuleValue.List().Get(i).String())
		}
		named := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
		said := "send one of " + strings.Join(named, ", ")
		if len(named) < len(names) {
			said += ", or leave it out"
		}
		wanted = append(wanted, said)
	case v.Proto.GetRuleId() == "string.pattern" && patterns[v.RuleValue.String()] != "":
		wanted = append(wanted, patterns[v.RuleValue.String()])
	case len(wanted) == 0:
		return v.Proto.GetMessage()
	}
	return strings.Join(wanted, "; ")
}

func empty(v protoreflect.Value) bool {
	switch v := v.Interface().(type) {
	case string:
		return v == ""
	case protoreflect.List:
		return v.Len() == 0
	case protoreflect.Map:
		return v.Len() == 0
	}
	return false
}

// Taken are the words that an enum field takes: those of its enum, without what its rules leave out.
func Taken(f protoreflect.FieldDescriptor) []string {
	rules, err := protovalidate.ResolveFieldRules(f)
	in := rules.GetEnum().GetIn()
	if err != nil || len(in) == 0 {
		return Names(f.Enum())
	}
	return slices.DeleteFunc(Names(f.Enum()), func(name string) bool {
		return !slices.Contains(in, int32(f.Enum().Values().ByName(protoreflect.Name(name)).Number()))
	})
}

// Names are the words that an enum takes: all but the one that says nothing.
func Names(e protoreflect.EnumDescriptor) []string {
	var out []string
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); v.Number() != 0 {
			out = append(out, string(v.Name()))
		}
	}
	return out
}
