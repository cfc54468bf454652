package reporting

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/seal"
)

const marker = "CANARY"

// fill sets every field; what is below a marked field carries the marker in every text.
func fill(m protoreflect.Message, secret bool, depth int) (marked int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		below := secret || seal.Marked(f)
		if f.Message() != nil {
			if depth == 0 || f.IsMap() {
				continue
			}
			if f.IsList() {
				list := m.Mutable(f).List()
				marked += fill(list.AppendMutable().Message(), below, depth-1)
				continue
			}
			marked += fill(m.Mutable(f).Message(), below, depth-1)
			continue
		}
		var v protoreflect.Value
		switch f.Kind() {
		case protoreflect.BoolKind:
			v = protoreflect.ValueOfBool(true)
		case protoreflect.Int32Kind:
			v = protoreflect.ValueOfInt32(7)
		case protoreflect.BytesKind:
			v = protoreflect.ValueOfBytes([]byte(marker))
		case protoreflect.StringKind:
			v = protoreflect.ValueOfString("2026-01-05")
			if below {
				v, marked = protoreflect.ValueOfString(marker+" of "+string(f.FullName())), marked+1
			}
		case protoreflect.Int64Kind:
			v = protoreflect.ValueOfInt64(7)
		case protoreflect.EnumKind:
			v = protoreflect.ValueOfEnum(1)
		default:
			panic("no value for " + string(f.FullName()))
		}
		if f.IsList() {
			m.Mutable(f).List().Append(v)
			continue
		}
		m.Set(f, v)
	}
	return marked
}

func TestNoPHIReachesAStatement(t *testing.T) {
	events, withPHI, statements := 0, 0, 0
	protoregistry.GlobalTypes.RangeMessages(func(typ protoreflect.MessageType) bool {
		d := typ.Descriptor()
		if !strings.HasPrefix(string(d.FullName()), "evenkeel.") || !strings.HasSuffix(d.ParentFile().Path(), "/events.proto") || d.IsMapEntry() {
			return true
		}
		m := typ.New()
		if fill(m, false, 6) > 0 {
			withPHI++
		}
		events++
		r := es.Recorded{Event: m.Interface(), ID: uuid.New(), Tenant: uuid.New(), Source: "posting", Kind: "k", StreamID: "id", OccurredOn: "2026-01-05", RecordedAt: time.Unix(0, 0)}
		for _, s := range Project(r) {
			statements++
			for _, a := range s.Args {
				if text := fmt.Sprint(a); strings.Contains(text, marker) {
					t.Errorf("%s: a statement is given %q", d.FullName(), text)
				}
			}
		}
		// What is folded again is folded without what is sealed: it must make the same statements.
		public, err := seal.NewCodec(nil).Redact(m.Interface())
		if err != nil {
			return true // it names nobody whose key could seal it: a part of events, not one
		}
		whole := fmt.Sprint(Project(r))
		if r.Event = public; fmt.Sprint(Project(r)) != whole {
			t.Errorf("%s: without its sealed part it leads to other statements: %s", d.FullName(), whole)
		}
		return true
	})
	if events < 80 || withPHI < 10 || statements < events {
		t.Fatalf("only %d events, %d of them with PHI, %d statements: the test looks in the wrong place", events, withPHI, statements)
	}
	t.Logf("%d events, %d of them with PHI, %d statements", events, withPHI, statements)
}

// projected is the version and the fingerprint of what each event makes of the tables.
const projected = "2 75c1152803b993c2"

func TestTheVersionRisesWithTheProjection(t *testing.T) {
	made := map[string]string{}
	protoregistry.GlobalTypes.RangeMessages(func(typ protoreflect.MessageType) bool {
		d := typ.Descriptor()
		if !strings.HasPrefix(string(d.FullName()), "evenkeel.") || !strings.HasSuffix(d.ParentFile().Path(), "/events.proto") || d.IsMapEntry() {
			return true
		}
		m := typ.New()
		fill(m, false, 6)
		r := es.Recorded{Event: m.Interface(), Kind: "k", StreamID: "id", OccurredOn: "2026-01-05", RecordedAt: time.Unix(0, 0)}
		statements := facts(r)
		if _, ok := r.Event.(*postingv1.ChargePosted); ok { // legs are projected alike, whatever event has them
			statements = append(append(legs(r), statements...), receivables(r)...)
		}
		for _, s := range statements {
			made[string(d.FullName())] += fmt.Sprintln(strings.Join(strings.Fields(s.SQL), " "), s.Args)
		}
		return true
	})
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(made)) {
		fmt.Fprintln(sum, name, made[name])
	}
	if now := fmt.Sprintf("%d %x", projection, sum.Sum(nil)[:8]); now != projected {
		t.Errorf("the projection is %q and was %q: raise its version in feed.go if the same events make other rows now, so that tables of before are built anew, and write down what it is here", now, projected)
	}
}
