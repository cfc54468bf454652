package account

import (
	"errors"
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// A payer's answer to a corrected claim waits until the correction is on the books, so that what it takes off is taken off what was billed.
func TestAnAnswerWaitsForTheCorrection(t *testing.T) {
	created := &claimsv1.ClaimCreated{ClaimId: "clm_1", AccountId: "enc_1", Content: &claimsv1.ClaimContent{PayerId: "pay_1", PayerSequence: primary}}
	balanced := es.Recorded{Event: &pb.RemittanceBalanced{RemittanceId: "rem_1", EffectiveDate: march, Claims: []*exchangev1.RemittanceClaim{{ClaimId: "clm_1", ClaimVersion: 2}}}}
	known := es.Known{
		ClaimMirror.Name:  {"clm_1": {created}},
		ChargeMirror.Name: {"enc_1": {&pb.ChargePosted{AccountId: "enc_1"}}},
	}
	var wait *es.WaitError
	if _, err := React(balanced, known); !errors.As(err, &wait) || wait.Mirror != VersionMirror.Name {
		t.Fatalf("%v", err)
	}
	prepared := es.Recorded{Event: &claimsv1.CorrectedClaimPrepared{ClaimId: "clm_1", ClaimVersion: 2}}
	known[VersionMirror.Name] = map[string][]es.Event{VersionMirror.Keys(prepared)[0]: {prepared.Event}}
	if commands, err := React(balanced, known); err != nil || len(commands) != 1 {
		t.Fatalf("%v %v", commands, err)
	}
	// What is taken back is booked before what is decided anew, whatever comes first in the file.
	balanced.Event.(*pb.RemittanceBalanced).Claims = []*exchangev1.RemittanceClaim{
		{ClaimId: "clm_1", Ordinal: 1, StatusCode: "1", PaidAmount: 9000}, {ClaimId: "clm_1", Ordinal: 2, StatusCode: statusReversal, PaidAmount: -8000},
	}
	commands, err := React(balanced, known)
	if err != nil || len(commands) != 2 {
		t.Fatalf("%v %v", commands, err)
	}
	first, err := commands[0].Decide(State{Charge: &pb.ChargePosted{AccountId: "enc_1"}, Open: map[Place]int64{}})
	if err != nil || len(first) == 0 || first[0].(*pb.ClaimPaymentUnmatched).ClaimOrdinal != 2 {
		t.Fatalf("%v %v", first, err)
	}
}
