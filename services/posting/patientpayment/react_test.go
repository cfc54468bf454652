package patientpayment

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/posting/account"
)

// What a patient paid in the other billing system is a payment for that visit, once, and not the bank's.
func TestWhatWasPaidBeforeTheMove(t *testing.T) {
	from := &typev1.Source{InterchangeId: "itc_1"}
	id := es.Derive("ppm", "enc_1", OtherSystem)
	want := &pb.PatientPaymentReceived{
		PatientPaymentId: id, PatientId: "pat_1", AccountId: "enc_1", Amount: 2000, Method: OtherSystem, ReceivedDate: "2026-03-02", Source: from,
		Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION, Amount: 2000, Source: from}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, Amount: -2000, Source: from},
		},
	}
	visit := func(imported bool, paid int64) es.Event {
		return &codingv1.CodingCompleted{EncounterId: "enc_1", PatientId: "pat_1", ServiceDate: "2026-03-02", Imported: imported, PatientPaidAmount: paid, Source: from}
	}
	later := func(paid int64) es.Event {
		return &codingv1.VisitPayersTold{EncounterId: "enc_1", PatientId: "pat_1", PatientPaidAmount: paid, Source: from}
	}
	charged := es.Known{account.ChargeMirror.Name: {"enc_1": {&pb.ChargePosted{AccountId: "enc_1", PatientId: "pat_1", ServiceDate: "2026-03-02"}}}}
	for _, c := range []struct {
		name  string
		given []es.Event
		when  es.Event
		then  *pb.PatientPaymentReceived
	}{
		{"with the visit", nil, visit(true, 2000), want},
		{"nothing was paid", nil, visit(true, 0), nil},
		{"money that is given back is no payment", nil, visit(true, -2000), nil},
		{"a visit of ours", nil, visit(false, 0), nil},
		{"with a later file of the visit", nil, later(2000), want},
		{"which says nothing of it", nil, later(0), nil},
		{"told once more", []es.Event{want}, visit(true, 2000), nil},
	} {
		commands, err := React(es.Recorded{Event: c.when}, charged)
		if err != nil || len(commands) > 1 {
			t.Errorf("%s: %v %v", c.name, commands, err)
			continue
		}
		var out []es.Event
		s := State{}
		for _, e := range c.given {
			s = Stream.Evolve(s, e)
		}
		for _, command := range commands {
			if command.ID != id {
				t.Errorf("%s: %s", c.name, command.ID)
			}
			if out, err = command.Decide(s); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if (c.then == nil) != (len(out) == 0) || c.then != nil && !proto.Equal(out[0], c.then) {
			t.Errorf("%s: got %v, want %v", c.name, out, c.then)
		}
	}
	var wait *es.WaitError
	if _, err := React(es.Recorded{Event: later(2000)}, es.Known{}); !errors.As(err, &wait) {
		t.Errorf("a later file does not wait for its visit's charge: %v", err)
	}
}
