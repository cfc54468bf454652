package remittance

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

func read() *exchangev1.RemittanceRead {
	return &exchangev1.RemittanceRead{
		RemittanceId: "rem_1", InterchangeId: "itc_1", PayerId: "pay_1", PayerIdentifier: "1123456789", TraceNumber: "T1", PaymentAmount: 9400, EffectiveDate: "2026-03-20",
		Claims: []*exchangev1.RemittanceClaim{
			{
				Ordinal: 1, ClaimId: "clm_1", StatusCode: "1", ChargeAmount: 15000, PaidAmount: 9000,
				Lines: []*exchangev1.RemittanceLine{{Ordinal: 1, ChargeAmount: 15000, PaidAmount: 9000, Adjustments: []*typev1.Adjustment{
					{GroupCode: "CO", Carc: "45", Amount: 4000}, {GroupCode: "PR", Carc: "3", Amount: 2000},
				}}},
			},
			{
				Ordinal: 2, PatientControlNumber: "X", StatusCode: "1", ChargeAmount: 1000, PaidAmount: 500,
				Adjustments: []*typev1.Adjustment{{GroupCode: "CO", Carc: "45", Amount: 500}},
			},
			{Ordinal: 3, PatientControlNumber: "Y", StatusCode: "4", ChargeAmount: 100, Adjustments: []*typev1.Adjustment{{GroupCode: "CO", Carc: "27", Amount: 100}}},
		},
		ProviderAdjustments: []*exchangev1.ProviderAdjustment{{ReasonCode: "WO", Reference: "R", Amount: 200}, {ReasonCode: "L6", Amount: -100}},
	}
}

func leg(account typev1.LedgerAccount, amount int64) *typev1.Leg {
	return &typev1.Leg{Account: account, Amount: amount, PayerId: "pay_1"}
}

func TestReceive(t *testing.T) {
	r := read()
	received := &pb.RemittanceReceived{
		RemittanceId: "rem_1", InterchangeId: "itc_1", PayerId: "pay_1", PayerIdentifier: "1123456789", TraceNumber: "T1", PaymentAmount: 9400, EffectiveDate: "2026-03-20", Claims: 3,
	}
	negative := read()
	negative.ProviderAdjustments[0].Amount, negative.PaymentAmount = 9700, -100
	off := read()
	off.Claims[0].Lines[0].PaidAmount++
	const cash, unapplied = typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE
	type events = []es.Event
	quarantined := &pb.RemittanceQuarantined{RemittanceId: "rem_1", PayerId: "pay_1", PaymentAmount: 9400, Residuals: []*exchangev1.Residual{
		{Equation: "line", Subject: "claim 1 line 1", ResidualAmount: -1}, {Equation: "claim_lines", Subject: "claim 1", ResidualAmount: 1},
	}}
	estest.Run(t, Stream, Receive, []estest.Case[Advised]{
		{
			Name: "a balanced one: our claims to their accounts, money for others is held, adjustments of the provider are booked", When: Advised{Read: r},
			Then: events{
				received,
				&pb.RemittanceBalanced{RemittanceId: "rem_1", PayerId: "pay_1", TraceNumber: "T1", PaymentAmount: 9400, EffectiveDate: "2026-03-20", Claims: r.Claims[:1]},
				&pb.UnappliedRecorded{
					RemittanceId: "rem_1", PayerId: "pay_1", ClaimOrdinal: 2, PatientControlNumber: "X", Amount: 500, Reason: "no claim of ours has this number",
					Legs: []*typev1.Leg{leg(cash, 500), leg(unapplied, -500)},
				},
				&pb.UnappliedRecorded{RemittanceId: "rem_1", PayerId: "pay_1", ClaimOrdinal: 3, PatientControlNumber: "Y", Reason: "no claim of ours has this number"},
				&pb.ProviderAdjustmentRecorded{
					RemittanceId: "rem_1", PayerId: "pay_1", ReasonCode: "WO", Reference: "R", Amount: 200, Ordinal: 1, Reason: "overpayment taken back",
					Legs: []*typev1.Leg{leg(typev1.LedgerAccount_LEDGER_ACCOUNT_PAYER_FORWARD, 200), leg(cash, -200)},
				},
				&pb.ProviderAdjustmentRecorded{
					RemittanceId: "rem_1", PayerId: "pay_1", ReasonCode: "L6", Amount: -100, Ordinal: 2, Reason: "interest for a late payment",
					Legs: []*typev1.Leg{leg(typev1.LedgerAccount_LEDGER_ACCOUNT_INTEREST, -100), leg(cash, 100)},
				},
			},
		},
		{Name: "the same one again changes nothing", Given: events{received}, When: Advised{Read: r}},
		{
			Name: "the same payment in other bytes is quarantined", When: Advised{Read: r, Repeats: "rem_0"},
			Then: events{received, &pb.RemittanceQuarantined{RemittanceId: "rem_1", PayerId: "pay_1", PaymentAmount: 9400, Reasons: []string{
				"remittance rem_0 had the same payer, trace number, amount and date in other bytes: find out which of the two is right",
			}}},
		},
		{
			Name: "another amount under the same trace number is held", When: Advised{Read: r, Contradicts: "rem_0"},
			Then: events{received, &pb.RemittanceQuarantined{RemittanceId: "rem_1", PayerId: "pay_1", PaymentAmount: 9400, Reasons: []string{
				"remittance rem_0 had the same payer and trace number, with another amount or date: a trace number names one payment (posting.one_payment_a_trace), ask the payer which of the two is right",
			}}},
		},
		{
			Name: "one that is out of balance, after the one that balances, asks nothing", When: Advised{Read: off, MendedBy: "rem_0"},
			Then: events{received, quarantined, &pb.RemittanceMended{RemittanceId: "rem_1", MendedByRemittanceId: "rem_0"}},
		},
		{
			Name: "a negative payment is quarantined", When: Advised{Read: negative},
			Then: events{with(received, -100), &pb.RemittanceQuarantined{RemittanceId: "rem_1", PayerId: "pay_1", PaymentAmount: -100, Reasons: []string{
				"its payment is −$1.00: a remittance never pays less than nothing, the payer must carry the rest forward",
			}}},
		},
		{
			Name: "a line that is off by a cent quarantines all of it, with each residual", When: Advised{Read: off},
			Then: events{received, quarantined},
		},
	})
	mend := Mend{RemittanceID: "rem_1", MendedBy: "rem_2"}
	estest.Run(t, Stream, Mended, []estest.Case[Mend]{
		{Name: "a mended file ends the question", Given: events{received, quarantined}, When: mend, Then: events{&pb.RemittanceMended{RemittanceId: "rem_1", MendedByRemittanceId: "rem_2"}}},
		{Name: "once", Given: events{received, quarantined, &pb.RemittanceMended{RemittanceId: "rem_1", MendedByRemittanceId: "rem_2"}}, When: mend},
		{Name: "what was booked has none", Given: events{received, &pb.RemittanceBalanced{}}, When: mend},
	})
}

func with(r *pb.RemittanceReceived, amount int64) *pb.RemittanceReceived {
	r = proto.CloneOf(r)
	r.PaymentAmount = amount
	return r
}

// One amount of a balanced remittance is changed, whichever: all of it is quarantined and nothing is booked.
func TestOneCentOffIsQuarantined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := read()
		amounts := []*int64{
			&r.PaymentAmount, &r.Claims[0].ChargeAmount, &r.Claims[0].PaidAmount, &r.Claims[0].Lines[0].ChargeAmount, &r.Claims[0].Lines[0].PaidAmount,
			&r.Claims[0].Lines[0].Adjustments[0].Amount, &r.Claims[0].Lines[0].Adjustments[1].Amount, &r.Claims[1].ChargeAmount, &r.Claims[1].PaidAmount,
			&r.Claims[1].Adjustments[0].Amount, &r.Claims[2].ChargeAmount, &r.Claims[2].PaidAmount, &r.Claims[2].Adjustments[0].Amount,
			&r.ProviderAdjustments[0].Amount, &r.ProviderAdjustments[1].Amount,
		}
		*rapid.SampledFrom(amounts).Draw(t, "amount") += rapid.Int64Range(1, 1e12).Draw(t, "off") * rapid.SampledFrom([]int64{1, -1}).Draw(t, "sign")
		events, err := Receive(State{}, Advised{Read: r})
		if err != nil || len(events) != 2 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		q, ok := events[1].(*pb.RemittanceQuarantined)
		if !ok || len(q.Residuals) == 0 {
			t.Fatalf("recorded %v", events[1])
		}
	})
}
