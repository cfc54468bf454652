package engine

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/syntax"
)

// prepare checks a command's syntax by its .proto and fills what the platform fills.
func (e *Engine) prepare(m proto.Message) error {
	var no refuse.List
	syntax.Check(m, &no)
	if err := no.Err(); err != nil {
		return err
	}
	e.fill(m)
	return nil
}

func (e *Engine) fill(m proto.Message) {
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch syntax.Fill(f) {
		case typev1.Fill_FILL_TODAY:
			m.ProtoReflect().Set(f, protoreflect.ValueOfString(date.Of(e.Clock(), nil)))
		case typev1.Fill_FILL_NOW:
			m.ProtoReflect().Set(f, protoreflect.ValueOfMessage(timestamppb.New(e.Clock()).ProtoReflect()))
		}
	}
}

// checked prepares the command of a reaction. Its fields come from events: what is wrong with them is a defect, so the error is a refusal that ends as a dead letter.
func (e *Engine) checked(request any) error {
	m, ok := request.(proto.Message)
	if !ok || m == nil || !m.ProtoReflect().IsValid() {
		return nil
	}
	var no refuse.List
	syntax.Constraints(m, &no)
	if err := no.Err(); err != nil {
		return fmt.Errorf("command %s of a reaction: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	e.fill(m)
	return nil
}
