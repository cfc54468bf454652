package patientbalance

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React notes what posting moves to and from patients, and writes the statements that are asked for.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *pb.StatementRequested:
		return statement(e, look)
	}
	if e, moves := moving(r.Event); moves {
		return note(r, e), nil
	}
	return nil, nil
}

// moving is an event that may move a patient's balance.
func moving(event es.Event) (change, bool) {
	switch e := event.(type) {
	case *postingv1.ChargePosted, *postingv1.ChargeVoided, *postingv1.BalanceMoved, *postingv1.BalanceReturned, *postingv1.PriorAdjudicationPosted, *postingv1.ResponsibilityTransferred, *postingv1.PostingReversed, *postingv1.PatientPaymentAllocated:
		return e.(change), true
	}
	return nil, false
}

// Moves is whose balance an event moves, and on which account; empty: nobody's.
func Moves(event es.Event) (patientID, accountID string) {
	e, moves := moving(event)
	if !moves || moved(e.GetLegs()) == 0 {
		return "", ""
	}
	return e.GetPatientId(), e.GetAccountId()
}

// change is what all events that move a patient's balance say.
type change interface {
	es.Event
	GetAccountId() string
	GetPatientId() string
	GetServiceDate() string
	GetLegs() []*typev1.Leg
}

func note(r es.Recorded, e change) []es.Command {
	amount := moved(e.GetLegs())
	if amount == 0 {
		return nil
	}
	return []es.Command{es.Do(Stream, e.GetPatientId(), Note, &pb.PatientBalanceChanged{
		PatientId: e.GetPatientId(), AccountId: e.GetAccountId(), Amount: amount, ServiceDate: e.GetServiceDate(), Cause: cause(e),
		CauseEventId: r.ID.String(), ChangedDate: r.OccurredOn,
	})}
}

func statement(e *pb.StatementRequested, look es.Look) ([]es.Command, error) {
	patient, known := es.Find(look, PatientMirror, e.PatientId)
	if !known {
		return nil, es.Wait(PatientMirror, e.PatientId)
	}
	facts := Facts{Patient: true, Name: patient.Name, Address: patient.Address, Accounts: map[string]Story{}}
	facts.Held, _ = es.Find(look, FundsMirror, e.PatientId)
	ids, _ := es.Find(look, AccountsMirror, e.PatientId)
	for _, id := range ids {
		facts.Accounts[id], _ = es.Find(look, StoryMirror, id)
	}
	facts.Sender = SenderOf(ids, facts.Accounts, func(id string) string {
		organizationID, _ := es.Find(look, LocationMirror, id)
		return organizationID
	}, func(id string) Sender {
		sender, _ := es.Find(look, OrganizationMirror, id)
		return sender
	})
	return []es.Command{es.Do(Stream, e.PatientId, IssueRequested, Requested{StatementID: e.StatementId, PatientID: e.PatientId, Day: e.RequestedDate, Facts: facts})}, nil
}

// SenderOf is the organization of the location of the first account that is known with one.
func SenderOf(ids []string, accounts map[string]Story, organizationOf func(locationID string) string, sender func(organizationID string) Sender) Sender {
	for _, id := range ids {
		if s := sender(organizationOf(accounts[id].LocationID)); s.Name != "" {
			return s
		}
	}
	return Sender{}
}

// PatientMirror has each patient as last registered, by patient_id.
var PatientMirror = es.Mirror[*intakev1.PatientRegistered]{
	Name: "collections.patient",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*intakev1.PatientRegistered); ok {
			return []string{e.PatientId}
		}
		return nil
	},
	Evolve: func(_ *intakev1.PatientRegistered, event es.Event) *intakev1.PatientRegistered {
		return event.(*intakev1.PatientRegistered)
	},
}

// AccountsMirror has the accounts of each patient, by patient_id, in the order of their charges.
var AccountsMirror = es.Mirror[[]string]{
	Name: "collections.accounts_of_patient",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*postingv1.ChargePosted); ok {
			return []string{e.PatientId}
		}
		return nil
	},
	Evolve: func(ids []string, event es.Event) []string {
		return append(ids, event.(*postingv1.ChargePosted).AccountId)
	},
}

// FundsMirror has what is held of each patient's payments, by patient_id: received, not on an account, not given back and not taken back.
var FundsMirror = es.Mirror[int64]{
	Name: "collections.funds",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *postingv1.PatientPaymentReceived:
			return []string{e.PatientId}
		case *postingv1.PatientPaymentAllocated:
			return []string{e.PatientId}
		case *postingv1.PatientPaymentRefunded:
			return []string{e.PatientId}
		case *postingv1.PatientPaymentReversed:
			return []string{e.PatientId}
		}
		return nil
	},
	Evolve: func(held int64, event es.Event) int64 {
		switch e := event.(type) {
		case *postingv1.PatientPaymentReceived:
			return held + e.Amount
		case *postingv1.PatientPaymentAllocated:
			return held - e.Amount
		case *postingv1.PatientPaymentRefunded:
			return held - e.Amount
		case *postingv1.PatientPaymentReversed:
			return held - e.Amount
		}
		return held
	},
}

// LocationMirror has the organization of each location, by location_id.
var LocationMirror = es.Mirror[string]{
	Name: "collections.location",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.LocationRegistered); ok {
			return []string{e.LocationId}
		}
		return nil
	},
	Evolve: func(_ string, event es.Event) string { return event.(*registryv1.LocationRegistered).OrganizationId },
}

// OrganizationMirror has who writes to patients, by organization_id.
var OrganizationMirror = es.Mirror[Sender]{
	Name: "collections.organization",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.OrganizationRegistered); ok {
			return []string{e.OrganizationId}
		}
		return nil
	},
	Evolve: func(_ Sender, event es.Event) Sender {
		e := event.(*registryv1.OrganizationRegistered)
		return Sender{Name: e.Name, Address: e.Address, Phone: e.Phone}
	},
}
