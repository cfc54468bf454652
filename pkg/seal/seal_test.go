package seal

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

var (
	ctx    = context.Background()
	tenant = uuid.MustParse("00000000-0000-0000-0000-000000000001")
)

func patient() *intakev1.PatientRegistered {
	return &intakev1.PatientRegistered{
		PatientId: "pat_1", LocationId: "loc_1", BirthDate: "1990-02-03",
		Name: &typev1.PersonName{Last: "Zyxwvut", First: "Abacus"},
	}
}

func TestSealedAndOpenedIsTheSame(t *testing.T) {
	c := NewCodec(&Memory{})
	nested := &claimsv1.SubmissionRequested{ClaimId: "clm_1", PatientId: "pat_1", Content: &claimsv1.ClaimContent{
		PatientControlNumber: "E1", Person: &claimsv1.ClaimPerson{MemberId: "Zyxwvut-7", DiagnosisCodes: []string{"F411"}},
	}}
	for _, m := range []proto.Message{patient(), nested, &intakev1.AppointmentCheckedIn{AppointmentId: "apt_1"}} {
		s, err := c.Seal(ctx, tenant, "e1", m)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(s.Clear, []byte("Zyxwvut")) || bytes.Contains(s.Sealed, []byte("Zyxwvut")) {
			t.Fatal("a name can be read")
		}
		back, shredded, err := c.Open(ctx, tenant, "e1", string(m.ProtoReflect().Descriptor().FullName()), s)
		if err != nil || shredded || !proto.Equal(back, m) {
			t.Fatalf("came back as %v (%v)", back, err)
		}
	}
}

func TestMovedCiphertextIsRefused(t *testing.T) {
	c := NewCodec(&Memory{})
	s, err := c.Seal(ctx, tenant, "e1", patient())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Open(ctx, tenant, "e2", "evenkeel.intake.v1.PatientRegistered", s); err == nil {
		t.Fatal("the ciphertext of another event was accepted")
	}
	other := s
	other.Subject = "pat_2"
	if _, err := c.vault.Key(ctx, tenant, "pat_2", true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Open(ctx, tenant, "e1", "evenkeel.intake.v1.PatientRegistered", other); err == nil {
		t.Fatal("the ciphertext of another patient was accepted")
	}
}

func TestShreddedLeavesTheClearPart(t *testing.T) {
	v := &Memory{}
	c := NewCodec(v)
	s, err := c.Seal(ctx, tenant, "e1", patient())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Shred(ctx, tenant, "pat_1"); err != nil {
		t.Fatal(err)
	}
	m, shredded, err := c.Open(ctx, tenant, "e1", "evenkeel.intake.v1.PatientRegistered", s)
	p := m.(*intakev1.PatientRegistered)
	if err != nil || !shredded || p.LocationId != "loc_1" || p.Name != nil {
		t.Fatalf("got %v, shredded %v, %v", m, shredded, err)
	}
	if _, err := c.Seal(ctx, tenant, "e2", patient()); err == nil {
		t.Fatal("a shredded patient got a new key")
	}
}

func TestPHIWithoutSubjectIsRefused(t *testing.T) {
	p := patient()
	p.PatientId = ""
	if _, err := NewCodec(&Memory{}).Seal(ctx, tenant, "e1", p); err == nil {
		t.Fatal("PHI was sealed under nobody's key")
	}
}

// Every event of ours must be sealable: PHI has a subject, and no list holds messages with PHI inside.
func TestEveryEventCanBeSealed(t *testing.T) {
	c := NewCodec(&Memory{})
	n := 0
	part := map[protoreflect.FullName]bool{} // messages that are fields of others: sealed with those
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Messages().Len() {
			for j := range f.Messages().Get(i).Fields().Len() {
				if inner := f.Messages().Get(i).Fields().Get(j).Message(); inner != nil {
					part[inner.FullName()] = true
				}
			}
		}
		return true
	})
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if f.Path() != "evenkeel/"+string(f.Package().Parent().Name())+"/v1/events.proto" {
			return true
		}
		for i := range f.Messages().Len() {
			if part[f.Messages().Get(i).FullName()] {
				continue
			}
			if _, err := c.shapeOf(f.Messages().Get(i)); err != nil {
				t.Error(err)
			}
			n++
		}
		return true
	})
	if n < 50 {
		t.Fatalf("only %d events were looked at", n)
	}
}
