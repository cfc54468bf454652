// Package workitem is the stream of one thing that somebody must do.
//
// Its id is derived from its kind and its subject, so the same problem is one item however often it is told, and an item that was done opens again when the problem comes back.
// Kinds says who does it, by when, and what is done by default; opens.go says which events open and resolve it. Titles and details never name a person.
package workitem

import (
	"cmp"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

var (
	// Exists: only what was opened can be worked on. Source: our own choice.
	Exists = refuse.Rule{ID: "collections.work_item_exists", Version: 1, Owner: "collections", NotFound: true}
	// Open: what is done is done; when the problem comes back the item opens by itself. Source: our own choice.
	Open = refuse.Rule{ID: "collections.work_item_open", Version: 1, Owner: "collections"}
)

// Kind is what all items of a kind have in common.
type Kind struct {
	Owner   string // team
	Days    int    // to do it in
	Default string // what to do, in our words
}

// Kinds by name. Days are our own choice; a deadline of a payer, where one is known, wins when it is earlier.
var Kinds = map[string]Kind{
	"claim_held":             {"billing", 2, "mend what the reasons name, then release the claim"},
	"rejection":              {"billing", 2, "correct the claim and send it again"},
	"denial":                 {"denials", 7, "decide: correct, appeal or accept"},
	"overdue":                {"follow_up", 3, "ask the payer for the status, and report on the claim what it says"},
	"timely_filing":          {"billing", 1, "send the claim before its limit"},
	"coder_query":            {"coding", 1, "say which code it is"},
	"quarantined_remittance": {"posting", 1, "ask the payer for a corrected file"},
	"unapplied":              {"posting", 3, "find whose money it is, and assign it to the claim"},
	"provider_adjustment":    {"posting", 7, "ask the payer what it was for"},
	"unmatched_payment":      {"posting", 3, "find the payment that the payer takes back; where it is still to come, the two meet by themselves"},
	"deposit":                {"posting", 2, "ask the bank and the payer which amount is right"},
	"unfunded_remittance":    {"posting", 2, "ask the bank and the payer for the money of this trace number"},
	"unmatched_deposit":      {"posting", 2, "ask the payer for the remittance of this trace number"},
	"underpayment":           {"contracts", 14, "dispute it with the contract's price, or accept the loss on the account"},
	"balance_billing":        {"contracts", 14, "ask the payer to correct its decision, or accept the loss on the account"},
	"credit_balance":         {"posting", 60, "give it back, or wait for the payer to take it back"},
	"later_payment":          {"posting", 30, "ask the earlier payer for its new decision, send it to the later payer, and give back what that paid too much"},
	"takeback":               {"denials", 7, "ask the payer why, and bill anew or dispute it"},
	"void_refused":           {"denials", 7, "ask the payer why: void the claim again or correct it, report the number under which the payer has it, or leave what it decided"},
	"coverage_change":        {"billing", 7, "find who covers the day of service, and bill that payer"},
	"late_coverage":          {"billing", 7, "take the charge off and send the visit again, or leave it with the patient where that is agreed"},
	"withdrawn":              {"billing", 7, "ask the payer after it, or write the rest off"},
	"possible_duplicate":     {"billing", 3, "compare it with the visit: correct the visit's claim, or leave it as it is"},
	"prior_denial":           {"denials", 14, "appeal where the other billing system sent it, or write it off"},
	"prior_decision":         {"posting", 7, "find out which decision holds, and give back what was paid twice"},
	"visit_held":             {"intake", 1, "clear the visit before it takes place"},
	"authorization":          {"authorizations", 2, "get the authorization or an extension"},
	"refused_file":           {"integrations", 1, "send a file of a kind we read"},
}

// restated are the kinds whose item follows what is told of it while it is open: what is told last is all there is to it. Items of other kinds gather what several events tell.
var restated = map[string]bool{"claim_held": true, "coverage_change": true, "credit_balance": true, "denial": true, "late_coverage": true}

// ID of the item of a kind about a subject.
func ID(kind, subject string) string { return es.Derive("wrk", kind, subject) }

// State is the item.
type State struct {
	Opened   *pb.WorkItemOpened
	Assignee string
	Resolved *pb.WorkItemResolved // nil: open
}

// Stream is the item's stream.
var Stream = es.Stream[State]{Kind: "work_item", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.WorkItemOpened:
		s.Opened, s.Resolved, s.Assignee = e, nil, ""
	case *pb.WorkItemRestated:
		s.Opened = proto.CloneOf(s.Opened)
		s.Opened.Title, s.Opened.Detail, s.Opened.AtRiskAmount, s.Opened.DefaultAction = e.Title, e.Detail, e.AtRiskAmount, e.DefaultAction
	case *pb.WorkItemAssigned:
		s.Assignee = e.Assignee
	case *pb.WorkItemResolved:
		s.Resolved = e
	}
	return s
}

// Raise opens an item, or opens it again; an open one stays as it is, or says what is so now (restated). DueDate, where set, is a deadline that wins when it is earlier than the kind's.
func Raise(s State, c *pb.WorkItemOpened) ([]es.Event, error) {
	kind := Kinds[c.Kind]
	if s.Opened != nil && s.Resolved == nil {
		now := &pb.WorkItemRestated{
			WorkItemId: s.Opened.WorkItemId, Title: c.Title, Detail: c.Detail, AtRiskAmount: c.AtRiskAmount, DefaultAction: cmp.Or(c.DefaultAction, kind.Default),
		}
		was := &pb.WorkItemRestated{
			WorkItemId: s.Opened.WorkItemId, Title: s.Opened.Title, Detail: s.Opened.Detail, AtRiskAmount: s.Opened.AtRiskAmount, DefaultAction: s.Opened.DefaultAction,
		}
		if !restated[c.Kind] || proto.Equal(now, was) {
			return nil, nil
		}
		return []es.Event{now}, nil
	}
	opened := &pb.WorkItemOpened{
		WorkItemId: ID(c.Kind, c.Subject), Kind: c.Kind, Subject: c.Subject, Title: c.Title, Detail: c.Detail, Owner: kind.Owner,
		DueDate: date.Add(c.OpenedDate, kind.Days), AtRiskAmount: c.AtRiskAmount, PatientId: c.PatientId, ClaimId: c.ClaimId, AccountId: c.AccountId,
		EncounterId: c.EncounterId, AppointmentId: c.AppointmentId, RemittanceId: c.RemittanceId, PayerId: c.PayerId, OpenedDate: c.OpenedDate,
		DefaultAction: c.DefaultAction, DepositId: c.DepositId, InterchangeId: c.InterchangeId, AuthorizationId: c.AuthorizationId,
	}
	if opened.DefaultAction == "" {
		opened.DefaultAction = kind.Default
	}
	if c.DueDate != "" && c.DueDate < opened.DueDate {
		opened.DueDate = c.DueDate
	}
	return []es.Event{opened}, nil
}

// Restate says of an open item what is so now; it opens none.
func Restate(s State, c *pb.WorkItemOpened) ([]es.Event, error) {
	if s.Opened == nil || s.Resolved != nil {
		return nil, nil
	}
	return Raise(s, c)
}

// Settle resolves an item because what it waited for happened. Where none is open nothing changes.
func Settle(s State, c *pb.WorkItemResolved) ([]es.Event, error) {
	if s.Opened == nil || s.Resolved != nil {
		return nil, nil
	}
	return []es.Event{&pb.WorkItemResolved{WorkItemId: c.WorkItemId, Outcome: c.Outcome, Automatic: true}}, nil
}

// Assign gives an open item to somebody.
func Assign(s State, c *pb.AssignWorkItemRequest) ([]es.Event, error) {
	if err := workable(s, c.WorkItemId); err != nil {
		return nil, err
	}
	if s.Assignee == c.Assignee {
		return nil, nil
	}
	return []es.Event{&pb.WorkItemAssigned{WorkItemId: c.WorkItemId, Assignee: c.Assignee}}, nil
}

// Resolve closes an item by hand.
func Resolve(s State, c *pb.ResolveWorkItemRequest) ([]es.Event, error) {
	if err := workable(s, c.WorkItemId); err != nil {
		return nil, err
	}
	return []es.Event{&pb.WorkItemResolved{WorkItemId: c.WorkItemId, Outcome: c.Outcome, Note: c.Note}}, nil
}

func workable(s State, id string) error {
	var no refuse.List
	no.If(s.Opened == nil, Exists, "work_item_id", "there is no work item %s", id)
	no.If(s.Resolved != nil, Open, "work_item_id", "work item %s was resolved as %s", id, s.Resolved.GetOutcome())
	return no.Err()
}
