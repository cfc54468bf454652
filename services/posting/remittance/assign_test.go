package remittance

import (
	"testing"

	"google.golang.org/protobuf/proto"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/services/posting/account"
)

const primary = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY

// The second claim of the remittance of TestReceive is held: 5.00 of 10.00 for a number that is not ours. The claim that it is for is found.
func TestAssign(t *testing.T) {
	r := read()
	r.Claims[1].ServiceDate = "2026-03-02"
	fold := func(r *exchangev1.RemittanceRead) []es.Event {
		events, err := Receive(State{}, Advised{Read: r})
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	charged := func(day string, amount int64) account.State {
		events, err := account.Charge(account.State{}, account.Coded{Visit: &codingv1.CodingCompleted{
			EncounterId: "enc_2", PatientId: "pat_1", ServiceDate: day, ChargeAmount: amount, Lines: []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90834", UnitsThousandths: 1000, ChargeAmount: amount}},
			ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var s account.State
		for _, e := range events {
			s = account.Evolve(s, e)
		}
		return s
	}
	of := func(payer string) Assignment {
		return Assignment{Read: r, ClaimID: "clm_2", Claim: account.ClaimOf{AccountID: "enc_2", Payer: account.Payer{ID: payer, Sequence: primary}}, Known: true}
	}
	ask := &pb.AssignHeldPaymentRequest{RemittanceId: "rem_1", ClaimOrdinal: 2, ClaimId: "clm_2", Reason: "the payer cut the number off", Today: "2026-03-25"}
	with := func(change func(*pb.AssignHeldPaymentRequest)) *pb.AssignHeldPaymentRequest {
		c := proto.CloneOf(ask)
		change(c)
		return c
	}
	although := with(func(c *pb.AssignHeldPaymentRequest) { c.DifferenceReason = "two days were billed as one" })
	const cash, unapplied = typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE
	assigned := &pb.UnappliedAssigned{
		RemittanceId: "rem_1", PayerId: "pay_1", ClaimOrdinal: 2, ToClaimId: "clm_2", Amount: 500, Reason: ask.Reason, AssignedDate: "2026-03-25",
		Legs: []*typev1.Leg{leg(cash, -500), leg(unapplied, 500)},
	}
	differs := proto.CloneOf(assigned)
	differs.DifferenceReason = although.DifferenceReason
	type (
		events  = []es.Event
		command = *pb.AssignHeldPaymentRequest
	)
	decide := func(on account.State, to Assignment) func(State, command) ([]es.Event, error) {
		return func(s State, c command) ([]es.Event, error) {
			out, posted, err := Assign(s, on, c, to)
			if (err != nil) != (posted == nil) {
				t.Errorf("posted %v with %v", posted, err)
			}
			return out, err
		}
	}
	given := fold(r)
	march := charged("2026-03-02", 1000)
	estest.Run(t, Stream, decide(march, of("pay_1")), []estest.Case[command]{
		{Name: "the money is held no more", Given: given, When: ask, Then: events{assigned}},
		{Name: "once", Given: append(given[:len(given):len(given)], assigned), When: ask, Refused: "posting.held_payment_assigned_once"},
		{Name: "what was posted at once is not held", Given: given, When: with(func(c command) { c.ClaimOrdinal = 1 }), Refused: "posting.held_payment_exists"},
		{Name: "nor is anything of a quarantined remittance", Given: events{&pb.RemittanceReceived{}, &pb.RemittanceQuarantined{}}, When: ask, Refused: "posting.held_payment_exists"},
		{Name: "a claim has one name", Given: given, When: with(func(c command) { c.PatientControlNumber = "E1" }), Refused: "posting.one_name_of_the_claim"},
		{Name: "and needs one", Given: given, When: with(func(c command) { c.ClaimId = "" }), Refused: "posting.one_name_of_the_claim"},
	})
	estest.Run(t, Stream, decide(march, of("pay_2")), []estest.Case[command]{
		{Name: "another payer's claim", Given: given, When: ask, Refused: "posting.assigned_to_its_payer"},
		{Name: "whatever the reason", Given: given, When: although, Refused: "posting.assigned_to_its_payer"},
	})
	nobody := of("pay_2")
	nobody.Read = proto.CloneOf(r)
	nobody.Read.PayerId = ""
	if _, _, err := Assign(State{}.after(fold(nobody.Read)), march, ask, nobody); err != nil {
		t.Errorf("a payer that is none of ours: %v", err)
	}
	estest.Run(t, Stream, decide(account.State{}, of("pay_1")), []estest.Case[command]{
		{Name: "a claim whose charge is on its way", Given: given, When: ask, Refused: "posting.account_exists"},
	})
	estest.Run(t, Stream, decide(account.State{}, Assignment{Read: r, ClaimID: "clm_2"}), []estest.Case[command]{
		{Name: "no claim of ours", Given: given, When: ask, Refused: "posting.claim_exists"},
	})
	estest.Run(t, Stream, decide(charged("2026-03-03", 1100), of("pay_1")), []estest.Case[command]{
		{Name: "another day and another charge", Given: given, When: ask, Refused: "posting.like_the_claim posting.like_the_claim"},
		{Name: "somebody knows better", Given: given, When: although, Then: events{differs}},
	})
	back := of("pay_1")
	back.Read = proto.CloneOf(r)
	back.Read.Claims[1].StatusCode = "22"
	estest.Run(t, Stream, decide(march, back), []estest.Case[command]{
		{Name: "a takeback of what nobody has posted", Given: given, When: ask, Refused: "posting.takes_back_a_payment"},
	})
}

func (s State) after(events []es.Event) State {
	for _, e := range events {
		s = Evolve(s, e)
	}
	return s
}

// Assigned money is booked as if the payer had named the claim: the account is the same, and what is held and what was is together the payment, at every event.
func TestAssignedMoneyIsBookedAsIfItsClaimWasNamed(t *testing.T) {
	visit := account.Coded{Visit: &codingv1.CodingCompleted{
		EncounterId: "enc_2", PatientId: "pat_1", ServiceDate: "2026-03-02", ChargeAmount: 1000, Lines: []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90834", UnitsThousandths: 1000, ChargeAmount: 1000}},
		ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}},
	}}
	charge, err := account.Charge(account.State{}, visit)
	if err != nil {
		t.Fatal(err)
	}
	begin := func() (s account.State) {
		for _, e := range charge {
			s = account.Evolve(s, e)
		}
		return s
	}
	payer := account.Payer{ID: "pay_1", Sequence: primary}
	r := read()
	held, err := Receive(State{}, Advised{Read: r})
	if err != nil {
		t.Fatal(err)
	}
	events, posted, err := Assign(State{}.after(held), begin(), &pb.AssignHeldPaymentRequest{RemittanceId: "rem_1", ClaimOrdinal: 2, ClaimId: "clm_2", Reason: "r", Today: "2026-03-25"},
		Assignment{Read: r, ClaimID: "clm_2", Claim: account.ClaimOf{AccountID: "enc_2", Payer: payer}, Known: true})
	if err != nil {
		t.Fatal(err)
	}
	named := proto.CloneOf(r.Claims[1])
	named.ClaimId, named.MatchedBy = "clm_2", byHand
	straight, err := account.Post(begin(), account.Advice{AccountID: "enc_2", RemittanceID: "rem_1", RemitterID: "pay_1", AdjudicationDate: "2026-03-20", ClaimID: "clm_2", Payer: payer, Claim: named})
	if err != nil || len(straight) != len(posted) {
		t.Fatalf("%d events, %d where the claim was named: %v", len(posted), len(straight), err)
	}
	for i := range straight {
		if !proto.Equal(straight[i], posted[i]) {
			t.Errorf("event %d: %v, and %v where the claim was named", i, posted[i], straight[i])
		}
	}
	moved := map[typev1.LedgerAccount]int64{}
	for _, e := range append(events, posted...) {
		if e, ok := e.(interface{ GetLegs() []*typev1.Leg }); ok {
			for _, l := range e.GetLegs() {
				moved[l.Account] += l.Amount
			}
		}
	}
	if moved[typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING] != 0 || moved[typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE] != 500 || moved[typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE] != -1000 {
		t.Errorf("moved %v", moved)
	}
}
