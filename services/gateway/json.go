package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
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

// NewDecoder reads the request that allowed has put in place of the body.
func (m marshaler) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		message, ok := v.(proto.Message)
		body, told := r.(*requestBody)
		if !ok || !told {
			return fmt.Errorf("a call's body is read into a message, not a %T into %T", r, v)
		}
		return body.into(message)
	})
}
