package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

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

// NewDecoder reads a body whole: the runtime's own would leave what follows the first document unread.
func (m marshaler) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		body, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return io.EOF // an empty body is an empty message
		}
		message, ok := v.(proto.Message)
		if !ok {
			return fmt.Errorf("a body is read into a message, not into %T", v)
		}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: false}).Unmarshal(body, message); err != nil {
			return located(body, err)
		}
		return nil
	})
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
