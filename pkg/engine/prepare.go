package engine

import (
	"errors"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// PlatformFills: fields marked (evenkeel.type.v1.fill) are written by the platform. A caller who sends one has misunderstood it.
var PlatformFills = refuse.Rule{ID: "request.platform_fills", Version: 1, Owner: "integrations"}

// prepare checks a command's syntax by its .proto and fills what the platform fills.
func (e *Engine) prepare(m proto.Message) error {
	var no refuse.List
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if fill(f) != typev1.Fill_FILL_UNSPECIFIED {
			no.If(m.ProtoReflect().Has(f), PlatformFills, string(f.Name()), "%s is written by the platform: leave it out", f.Name())
		}
	}
	e.validate(m, &no)
	if err := no.Err(); err != nil {
		return err
	}
	e.fill(m)
	return nil
}

func (e *Engine) validate(m proto.Message, no *refuse.List) {
	err := e.validator.Validate(m)
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
		no.If(true, refuse.Rule{ID: "syntax." + v.Proto.GetRuleId(), Version: 1, Owner: "integrations"}, field, "%s: %s", field, v.Proto.GetMessage())
	}
}

func (e *Engine) fill(m proto.Message) {
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch fill(f) {
		case typev1.Fill_FILL_TODAY:
			m.ProtoReflect().Set(f, protoreflect.ValueOfString(date.Of(e.Clock(), nil)))
		case typev1.Fill_FILL_NOW:
			m.ProtoReflect().Set(f, protoreflect.ValueOfMessage(timestamppb.New(e.Clock()).ProtoReflect()))
		}
	}
}

func fill(f protoreflect.FieldDescriptor) typev1.Fill {
	o, ok := f.Options().(*descriptorpb.FieldOptions)
	if !ok {
		return typev1.Fill_FILL_UNSPECIFIED
	}
	return proto.GetExtension(o, typev1.E_Fill).(typev1.Fill)
}

// checked prepares the command of a reaction. Its fields come from events: what is wrong with them is a defect, so the error is a refusal that ends as a dead letter.
func (e *Engine) checked(request any) error {
	m, ok := request.(proto.Message)
	if !ok || m == nil || !m.ProtoReflect().IsValid() {
		return nil
	}
	var no refuse.List
	e.validate(m, &no)
	if err := no.Err(); err != nil {
		return fmt.Errorf("command %s of a reaction: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	e.fill(m)
	return nil
}
