package workitem

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

func opened(kind, subject, due string) *pb.WorkItemOpened {
	return &pb.WorkItemOpened{
		WorkItemId: ID(kind, subject), Kind: kind, Subject: subject, Title: "T", Owner: Kinds[kind].Owner, OpenedDate: "2026-03-02", DueDate: due, DefaultAction: Kinds[kind].Default,
	}
}

// Who lists work items may ask for the kinds and the teams that there are, and for no others.
func TestTheListKnowsKindsAndTeams(t *testing.T) {
	takes := func(field protoreflect.Name) []string {
		rules, err := protovalidate.ResolveFieldRules((&pb.ListWorkItemsRequest{}).ProtoReflect().Descriptor().Fields().ByName(field))
		if err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(slices.Values(rules.GetString().GetIn()))
	}
	teams := map[string]bool{}
	for _, k := range Kinds {
		teams[k.Owner] = true
	}
	if kinds := slices.Sorted(maps.Keys(Kinds)); !slices.Equal(takes("kind"), kinds) {
		t.Errorf("the list takes the kinds %v, there are %v: name them in ListWorkItemsRequest (service.proto) and make generate", takes("kind"), kinds)
	}
	if owners := slices.Sorted(maps.Keys(teams)); !slices.Equal(takes("owner"), owners) {
		t.Errorf("the list takes the teams %v, there are %v", takes("owner"), owners)
	}
}

func TestWorkItem(t *testing.T) {
	ask := func(due string) *pb.WorkItemOpened {
		return &pb.WorkItemOpened{Kind: "denial", Subject: "clm_1 L1", Title: "T", OpenedDate: "2026-03-02", DueDate: due}
	}
	id := ID("denial", "clm_1 L1")
	open := opened("denial", "clm_1 L1", "2026-03-09")
	settled := &pb.WorkItemResolved{WorkItemId: id, Outcome: "overturned", Automatic: true}
	type events = []es.Event
	estest.Run(t, Stream, Raise, []estest.Case[*pb.WorkItemOpened]{
		{Name: "a denial is due in a week", When: ask(""), Then: events{open}},
		{Name: "a payer's earlier deadline wins", When: ask("2026-03-05"), Then: events{opened("denial", "clm_1 L1", "2026-03-05")}},
		{Name: "a later one does not", When: ask("2026-09-01"), Then: events{open}},
		{Name: "the same problem is one item", Given: events{open}, When: ask("")},
		{Name: "it opens again when the problem comes back", Given: events{open, settled}, When: ask(""), Then: events{open}},
	})
	estest.Run(t, Stream, Settle, []estest.Case[*pb.WorkItemResolved]{
		{Name: "what it waited for happened", Given: events{open}, When: settled, Then: events{settled}},
		{Name: "nothing waited", When: settled},
		{Name: "done once", Given: events{open, settled}, When: settled},
	})
	estest.Run(t, Stream, Assign, []estest.Case[*pb.AssignWorkItemRequest]{
		{Name: "to somebody", Given: events{open}, When: &pb.AssignWorkItemRequest{WorkItemId: id, Assignee: "ana"}, Then: events{&pb.WorkItemAssigned{WorkItemId: id, Assignee: "ana"}}},
		{Name: "to the same person again", Given: events{open, &pb.WorkItemAssigned{WorkItemId: id, Assignee: "ana"}}, When: &pb.AssignWorkItemRequest{WorkItemId: id, Assignee: "ana"}},
		{Name: "there is none", When: &pb.AssignWorkItemRequest{WorkItemId: id, Assignee: "ana"}, Refused: "collections.work_item_exists"},
		{Name: "it is done", Given: events{open, settled}, When: &pb.AssignWorkItemRequest{WorkItemId: id, Assignee: "ana"}, Refused: "collections.work_item_open"},
	})
	estest.Run(t, Stream, Resolve, []estest.Case[*pb.ResolveWorkItemRequest]{
		{Name: "by hand", Given: events{open}, When: &pb.ResolveWorkItemRequest{WorkItemId: id, Outcome: "appealed", Note: "n"}, Then: events{&pb.WorkItemResolved{WorkItemId: id, Outcome: "appealed", Note: "n"}}},
		{Name: "not twice", Given: events{open, settled}, When: &pb.ResolveWorkItemRequest{WorkItemId: id, Outcome: "appealed"}, Refused: "collections.work_item_open"},
	})
}

// A claim to a later payer that was taken back leaves a rest that nobody asks for where another payer comes after it: somebody must. Else the rest is the patient's, or the charge is gone.
func TestAWithdrawnClaimIsWork(t *testing.T) {
	if item := opens(es.Recorded{Event: &postingv1.BalanceMoved{ClaimId: "c", LeftAmount: 15500}}); item.GetKind() != "withdrawn" || item.AtRiskAmount != 15500 || Kinds[item.Kind].Owner == "" {
		t.Errorf("%v", item)
	}
	for _, e := range []es.Event{&claimsv1.ClaimClosed{ClaimId: "c", Withdrawn: true, ChargeStands: true}, &postingv1.BalanceMoved{ClaimId: "c", Amount: 2000}} {
		if item := opens(es.Recorded{Event: e}); item != nil {
			t.Errorf("%v", item)
		}
	}
}

// What a payer takes back is work, in words alone where it had paid nothing; what it was asked to take back, by a void, is nobody's.
func TestWhatAVoidTakesBackIsNobodysWork(t *testing.T) {
	version := func(code claimsv1.FrequencyCode) es.Event {
		return &claimsv1.CorrectedClaimPrepared{ClaimId: "c", Content: &claimsv1.ClaimContent{FrequencyCode: code}}
	}
	void, replacement := version(claimsv1.FrequencyCode_FREQUENCY_CODE_VOID), version(claimsv1.FrequencyCode_FREQUENCY_CODE_REPLACEMENT)
	for _, c := range []struct {
		name     string
		versions []es.Event
		paid     int64
		says     string // empty: no item
		risk     int64
	}{
		{"a payment", nil, -8000, "the payer took $80.00 back and has not decided anew", 8000},
		{"a denial", nil, 0, "the payer took its decision back, which paid nothing, and has not decided anew", 0},
		{"what a replacement takes the place of", []es.Event{replacement}, -8000, "the payer took $80.00 back and has not decided anew", 8000},
		{"a payment, as a void asked", []es.Event{void}, -8000, "", 0},
		{"a denial, as a void asked", []es.Event{replacement, void}, 0, "", 0},
	} {
		commands, err := React(es.Recorded{Event: &claimsv1.ClaimAdjudicated{ClaimId: "c", Reversal: true, PaidAmount: c.paid}, OccurredOn: "2026-03-02"}, es.Known{VoidMirror.Name: {"c": c.versions}})
		if err != nil {
			t.Fatal(err)
		}
		var item State
		for _, cmd := range commands {
			if cmd.ID != ID("takeback", "c") {
				continue
			}
			events, err := cmd.Decide(State{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				item = Evolve(item, e)
			}
		}
		if item.Opened.GetDetail() != c.says || item.Opened.GetAtRiskAmount() != c.risk {
			t.Errorf("%s: %v", c.name, item.Opened)
		}
	}
}

// A decision ends the wait for an answer, unless it answers an earlier version than the payer has.
func TestALateAnswerToAnEarlierVersionLeavesWhatIsOverdue(t *testing.T) {
	for awaited, want := range map[int32]bool{0: true, 2: false} {
		ends := slices.ContainsFunc(resolves(&claimsv1.ClaimAdjudicated{ClaimId: "c", AwaitedVersion: awaited}), func(d done) bool { return d.kind == "overdue" })
		if ends != want {
			t.Errorf("version %d is awaited: ends %v", awaited, ends)
		}
	}
}

// As much is at risk where a payer takes money back as where it pays.
func TestWhatIsTakenBackIsAtRisk(t *testing.T) {
	for _, e := range []es.Event{
		&postingv1.RemittanceQuarantined{RemittanceId: "r", PaymentAmount: -8000}, &postingv1.UnappliedRecorded{RemittanceId: "r", ClaimOrdinal: 1, Amount: -8000},
		&postingv1.ClaimPaymentUnmatched{RemittanceId: "r", ClaimOrdinal: 1, PaidAmount: -8000}, &claimsv1.ClaimAdjudicated{ClaimId: "c", Reversal: true, PaidAmount: -8000},
	} {
		if item := opens(es.Recorded{Event: e}); item.AtRiskAmount != 8000 {
			t.Errorf("%T: %v", e, item)
		}
	}
}

// The item about a decision that was taken back is the one for all that is open then.
func TestATakebackIsAboutAllThatIsOpen(t *testing.T) {
	for paid, title := range map[int64]string{-5000: "Payment taken back", 0: "Decision taken back"} {
		item := opens(es.Recorded{Event: &claimsv1.ClaimAdjudicated{ClaimId: "c", Reversal: true, PaidAmount: paid, OpenAmount: 15500}})
		if item.Title != title || item.AtRiskAmount != 15500 || !strings.Contains(item.Detail, "$155.00 is open with it") {
			t.Error(item)
		}
	}
}

// One authorization's no is nobody's work once another has said yes, in whichever order the two are heard; nor is what was missing for a visit that is voided.
func TestAnotherAuthorizationSaidYes(t *testing.T) {
	no := es.Recorded{Event: &authorizationv1.UnitsRefused{AuthorizationId: "aut_1", EncounterId: "e", Reasons: []*problemv1.Reason{{RuleId: "r"}}}}
	yes := func(authorization string) es.Known {
		return es.Known{CoveredMirror.Name: {"e": {&authorizationv1.UnitsConsumed{AuthorizationId: authorization, EncounterId: "e"}}}}
	}
	for by, want := range map[string]int{"aut_2": 0, "aut_1": 1} {
		if commands, err := React(no, yes(by)); err != nil || len(commands) != want {
			t.Errorf("covered by %s: %d items, %v", by, len(commands), err)
		}
	}
	booked := es.Known{AppointmentMirror.Name: {"e": {&codingv1.CodingCompleted{EncounterId: "e", AppointmentId: "a"}}}}
	commands, err := React(es.Recorded{Event: &postingv1.ChargeVoided{EncounterId: "e"}}, booked)
	if err != nil || len(commands) == 0 || commands[0].ID != ID("authorization", "a") {
		t.Errorf("%v, %v", commands, err)
	}
}

// A part of what was disputed leaves the rest to somebody, and so does the end of another dispute about the same line.
func TestAPartOfADisputeIsNotItsEnd(t *testing.T) {
	if d := resolves(&postingv1.UnderpaymentRecovered{ClaimId: "c", LineId: "L1", RemittanceId: "r", Amount: 400, RemainingAmount: 500}); len(d) != 0 {
		t.Errorf("%v", d)
	}
	for rule, kind := range map[string]string{"posting.no_balance_billing": "balance_billing", "posting.paid_as_contracted": "underpayment"} {
		if d := resolves(&postingv1.UnderpaymentAccepted{ClaimId: "c", LineId: "L1", RemittanceId: "r", RuleId: rule}); len(d) != 1 || d[0].kind != kind {
			t.Errorf("%s: %v", rule, d)
		}
	}
}

// What opens an item and what resolves it meet at the same item.
func TestWhatOpensIsResolved(t *testing.T) {
	reasons := []*problemv1.Reason{{RuleId: "r", Message: "m"}}
	for _, c := range []struct {
		kind        string
		opens, ends es.Event
	}{
		{"claim_held", &claimsv1.ClaimHeld{ClaimId: "c", Reasons: reasons}, &claimsv1.ClaimReleased{ClaimId: "c"}},
		{"rejection", &claimsv1.ClaimRejected{ClaimId: "c"}, &claimsv1.ClaimSubmitted{ClaimId: "c"}},
		{"denial", &claimsv1.LineDenied{ClaimId: "c", LineId: "L"}, &claimsv1.DenialOverturned{ClaimId: "c", LineId: "L"}},
		{"overdue", &claimsv1.ClaimOverdue{ClaimId: "c", WaitingFor: "remittance"}, &claimsv1.ClaimAdjudicated{ClaimId: "c"}},
		{"overdue", &claimsv1.ClaimOverdue{ClaimId: "c", WaitingFor: "remittance"}, &claimsv1.ClaimStatusReported{ClaimId: "c"}},
		{"overdue", &claimsv1.ClaimOverdue{ClaimId: "c", WaitingFor: "acknowledgment"}, &claimsv1.ClaimSubmitted{ClaimId: "c", ClaimVersion: 2}},
		{"timely_filing", &claimsv1.TimelyFilingWarningRaised{ClaimId: "c"}, &claimsv1.ClaimSubmitted{ClaimId: "c"}},
		{"visit_held", &intakev1.VisitHeld{AppointmentId: "a", Reasons: reasons}, &intakev1.VisitCleared{AppointmentId: "a"}},
		{"visit_held", &intakev1.VisitHeld{AppointmentId: "a", Reasons: reasons}, &intakev1.AppointmentCheckedIn{AppointmentId: "a"}},
		{"claim_held", &claimsv1.ClaimHeld{ClaimId: "c", Reasons: reasons}, &claimsv1.ClaimClosed{ClaimId: "c", Withdrawn: true}},
		{"denial", &claimsv1.LineDenied{ClaimId: "c", LineId: "L"}, &claimsv1.ClaimClosed{ClaimId: "c", Withdrawn: true, DeniedLineIds: []string{"L"}}},
		{"takeback", &claimsv1.ClaimAdjudicated{ClaimId: "c", Reversal: true, PaidAmount: -8000}, &claimsv1.ClaimAdjudicated{ClaimId: "c", PaidAmount: 7000}},
		{"void_refused", &claimsv1.ClaimVoidRefused{ClaimId: "c", PaidAmount: 8000}, &claimsv1.ClaimSubmitted{ClaimId: "c", ClaimVersion: 3}},
		{"void_refused", &claimsv1.ClaimVoidRefused{ClaimId: "c", PaidAmount: 8000}, &claimsv1.ClaimClosed{ClaimId: "c", Withdrawn: true}},
		{"later_payment", &postingv1.LaterPaymentQuestioned{AccountId: "a", PayerId: "p", PaidAmount: 1500}, &postingv1.LaterPaymentAnswered{AccountId: "a", PayerId: "p", Reason: "r"}},
		{"credit_balance", &postingv1.CreditBalanceDetected{AccountId: "a", PayerId: "p", CreditAmount: 8000}, &postingv1.CreditBalanceCleared{AccountId: "a", PayerId: "p"}},
		{"unfunded_remittance", &postingv1.RemittanceUnfunded{RemittanceId: "r", Amount: 9000}, &postingv1.RemittanceMatched{RemittanceId: "r", DepositId: "d"}},
		{"unmatched_deposit", &postingv1.DepositUnmatched{DepositId: "d", Amount: 9000}, &postingv1.RemittanceMatched{RemittanceId: "r", DepositId: "d"}},
		{"unmatched_deposit", &postingv1.DepositUnmatched{DepositId: "d", Amount: 9000}, &postingv1.DepositDiffered{RemittanceId: "r", DepositId: "d"}},
		{"unmatched_deposit", &postingv1.DepositLeftOver{RemittanceId: "r", DepositId: "d", Amount: 7900}, &postingv1.DepositWithdrawn{DepositId: "d"}},
		{"deposit", &postingv1.DepositDiffered{RemittanceId: "r", DepositId: "d", RemittanceAmount: 8000, DepositAmount: 7900}, &postingv1.DepositLeftOver{RemittanceId: "r", DepositId: "d", Amount: 7900}},
		{"deposit", &postingv1.DepositDiffered{RemittanceId: "r", DepositId: "d", RemittanceAmount: 8000, DepositAmount: 7900}, &postingv1.DepositWithdrawn{DepositId: "d", DifferingRemittanceIds: []string{"r"}}},
		{"deposit", &postingv1.DepositDiffered{RemittanceId: "r", DepositId: "d", RemittanceAmount: 8000, DepositAmount: 7900}, &postingv1.RemittanceMatched{RemittanceId: "s", DepositId: "d", DifferingRemittanceIds: []string{"r"}}},
		{"quarantined_remittance", &postingv1.RemittanceQuarantined{RemittanceId: "r", PaymentAmount: 8000}, &postingv1.RemittanceMended{RemittanceId: "r", MendedByRemittanceId: "s"}},
		{"unapplied", &postingv1.UnappliedRecorded{RemittanceId: "r", ClaimOrdinal: 2, Amount: 9000}, &postingv1.UnappliedAssigned{RemittanceId: "r", ClaimOrdinal: 2, ToClaimId: "c"}},
		{"underpayment", &postingv1.UnderpaymentDetected{ClaimId: "c", LineId: "L1", RemittanceId: "r", DisputedAmount: 900}, &postingv1.UnderpaymentAccepted{ClaimId: "c", LineId: "L1", RemittanceId: "r", RuleId: "posting.paid_as_contracted"}},
		{"underpayment", &postingv1.UnderpaymentDetected{ClaimId: "c", LineId: "L1", RemittanceId: "r", DisputedAmount: 900}, &postingv1.UnderpaymentRecovered{ClaimId: "c", LineId: "L1", RemittanceId: "r"}},
		{"balance_billing", &postingv1.BalanceBillingHeld{ClaimId: "c", LineId: "L1", RemittanceId: "r", DisputedAmount: 900}, &postingv1.UnderpaymentLapsed{ClaimId: "c", LineId: "L1", RemittanceId: "r", RuleId: "posting.no_balance_billing"}},
		{"underpayment", &postingv1.UnderpaymentDetected{ClaimId: "c", LineId: "L1", RemittanceId: "r"},
			&postingv1.PostingReversed{ClaimId: "c", ReversedRemittanceId: "r", Legs: []*typev1.Leg{{LineId: "L1"}, {LineId: "L1"}}}},
		{"visit_held", &intakev1.VisitHeld{AppointmentId: "a", Reasons: reasons}, &intakev1.AppointmentNoShowed{AppointmentId: "a"}},
		{"authorization", &authorizationv1.AuthorizationRequirementDetermined{AppointmentId: "a", Required: true}, &authorizationv1.UnitsReserved{AppointmentId: "a"}},
		{"authorization", &authorizationv1.AuthorizationRequirementDetermined{AppointmentId: "a", Required: true}, &authorizationv1.UnitsConsumed{AppointmentId: "a", EncounterId: "e"}},
		{"authorization", &authorizationv1.UnitsRefused{AppointmentId: "a", Reasons: reasons}, &intakev1.AppointmentNoShowed{AppointmentId: "a"}},
		{"authorization", &authorizationv1.UnitsRefused{EncounterId: "e", Reasons: reasons}, &authorizationv1.UnitsConsumed{EncounterId: "e"}},
		{"authorization", &authorizationv1.UnitsRefused{EncounterId: "e", Reasons: reasons}, &postingv1.ChargeVoided{EncounterId: "e"}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			var s State
			var denied []es.Event
			for _, e := range []es.Event{c.opens, c.ends} {
				if len(DeniedMirror.Keys(es.Recorded{Event: e})) > 0 {
					denied = append(denied, e)
				}
				commands, err := React(es.Recorded{Event: e, OccurredOn: "2026-03-02"}, es.Known{DeniedMirror.Name: {"c L": denied}})
				if err != nil {
					t.Fatal(err)
				}
				for _, cmd := range commands {
					if s.Opened != nil && cmd.ID != s.Opened.WorkItemId {
						continue
					}
					events, err := cmd.Decide(s)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range events {
						s = Evolve(s, e)
					}
				}
				if s.Opened.GetKind() != c.kind {
					t.Fatalf("opened %v", s.Opened)
				}
			}
			if s.Resolved == nil {
				t.Fatal("it stays open")
			}
		})
	}
}

// What an import leaves to a person leads to the visit that is here, and to the file; two claims that are held are two items.
func TestHeldImportsAreWork(t *testing.T) {
	file := &typev1.Source{InterchangeId: "itc_1"}
	held := func(id string, visit int64) *pb.WorkItemOpened {
		return opens(es.Recorded{Event: &codingv1.ImportHeld{
			EncounterId: "e", PatientId: "p", ImportId: id, ChargeAmount: 9000, VisitChargeAmount: visit, Source: file, Reasons: []*problemv1.Reason{{RuleId: "r", Message: "m"}},
		}})
	}
	one, two := held("imp_1", 8000), held("imp_2", 0)
	if one.Kind != "possible_duplicate" || one.AccountId != "e" || one.InterchangeId != "itc_1" || one.AtRiskAmount != 9000 || one.Detail != "m (r)" || two.AccountId != "" || one.Subject == two.Subject {
		t.Errorf("%v, %v", one, two)
	}
	both := opens(es.Recorded{Event: &postingv1.PriorAdjudicationHeld{AccountId: "e", PayerId: "y", PaidAmount: 3915, Reason: "the payer has decided here too", Source: file}})
	if both.Kind != "prior_decision" || both.AtRiskAmount != 3915 || both.PayerId != "y" || both.AccountId != "e" || Kinds[both.Kind].Owner == "" || Kinds[one.Kind].Owner == "" {
		t.Error(both)
	}
}

// A claim whose coverage was not what it seemed is one item: who has it, what is at risk, what to do.
func TestAChangedCoverageIsWork(t *testing.T) {
	ended := &claimsv1.CoverageChangeDetected{
		ClaimId: "c", CoverageId: "cov_1", ServiceDate: "2026-03-02", ThruDate: "2026-03-01", Change: claimsv1.CoverageChange_COVERAGE_CHANGE_RETRO_TERMINATION, AtRiskAmount: 16000,
	}
	sent, paid, order := proto.CloneOf(ended), proto.CloneOf(ended), proto.CloneOf(ended)
	sent.Sent = true
	paid.Sent, paid.PaidAmount, paid.AtRiskAmount = true, 12000, 12000
	order.Change, order.OtherCoverageId, order.OtherPayerId = claimsv1.CoverageChange_COVERAGE_CHANGE_EARLIER_PAYER, "cov_9", "pay_9"
	for _, c := range []struct {
		name           string
		event          *claimsv1.CoverageChangeDetected
		title, say, do string
		risk           int64
	}{
		{"a claim that is held", ended, "Coverage ended before the service", "the claim is held", "withdraw the claim", 16000},
		{"one that the payer has", sent, "Coverage ended before the service", "the payer has the claim", "void the claim when the payer has answered", 16000},
		{"one that was paid", paid, "Coverage ended before the service", "the payer paid $120.00 and may take it back", "void the claim, and bill", 12000},
		{"another payer comes first", order, "Another payer comes first", "coverage cov_9 of payer pay_9 comes before", "check the order of payers", 16000},
	} {
		item := opens(es.Recorded{Event: c.event})
		if item.GetKind() != "coverage_change" || item.Title != c.title || !strings.Contains(item.Detail, c.say) || !strings.Contains(item.DefaultAction, c.do) || item.AtRiskAmount != c.risk || Kinds[item.Kind].Owner == "" {
			t.Errorf("%s: %v", c.name, item)
		}
	}
	for _, over := range []es.Event{&claimsv1.CoverageChangeCleared{ClaimId: "c"}, &claimsv1.ClaimClosed{ClaimId: "c", Withdrawn: true}} {
		if !slices.ContainsFunc(resolves(over), func(d done) bool { return d.kind == "coverage_change" && d.subject == "c" }) {
			t.Errorf("%T leaves the item open", over)
		}
	}
}

// Money of a payer that is for no claim and whose reason the books have no place for is work, one item for each amount, in words.
func TestAPayersOwnAdjustmentIsWork(t *testing.T) {
	told := func(ordinal int32, account typev1.LedgerAccount, amount int64) *postingv1.ProviderAdjustmentRecorded {
		return &postingv1.ProviderAdjustmentRecorded{
			RemittanceId: "r", PayerId: "p", ReasonCode: "IR", Reason: "withheld for the tax office", Reference: "2026", Amount: amount, Ordinal: ordinal,
			Legs: []*typev1.Leg{{Account: account, Amount: amount}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, Amount: -amount}},
		}
	}
	const held = typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE
	first, second := opens(es.Recorded{Event: told(1, held, 3800)}), opens(es.Recorded{Event: told(2, held, -3800)})
	if first.Subject == second.Subject || first.AtRiskAmount != 3800 || second.AtRiskAmount != 3800 {
		t.Errorf("%v, %v", first, second)
	}
	if want := "the payer took $38.00 for no claim, reason IR (withheld for the tax office), reference 2026: held until somebody says what it was"; first.Detail != want {
		t.Errorf("%s", first.Detail)
	}
	if item := opens(es.Recorded{Event: told(1, typev1.LedgerAccount_LEDGER_ACCOUNT_PAYER_FORWARD, 3800)}); item != nil {
		t.Errorf("what is carried forward is nobody's work: %v", item)
	}
}

// What another deposit leaves over is asked about as what it is.
func TestALeftOverDepositIsAskedAboutAsItIs(t *testing.T) {
	item := opens(es.Recorded{Event: &postingv1.DepositLeftOver{DepositId: "d", RemittanceId: "r", TraceNumber: "T1", Amount: 7900, DepositDate: "2026-03-20"}})
	want := "the bank shows $79.00 of 2026-03-20 as T1; another deposit paid that remittance, and none says what this one pays"
	if item.AtRiskAmount != 7900 || item.Detail != want {
		t.Errorf("%v", item)
	}
}

// A claim that is held again with another amount is the same item, with what is at risk now; whoever has it keeps it. Items of kinds that are not restated gather what several events tell.
func TestAnOpenItemFollowsWhatIsTold(t *testing.T) {
	type events = []es.Event
	tell := func(kind, detail string, amount int64) *pb.WorkItemOpened {
		return &pb.WorkItemOpened{Kind: kind, Subject: "clm_1", Title: "T", Detail: detail, AtRiskAmount: amount, OpenedDate: "2026-03-02"}
	}
	open := func(kind, detail string, amount int64) *pb.WorkItemOpened {
		o := opened(kind, "clm_1", map[string]string{"claim_held": "2026-03-04", "takeback": "2026-03-09"}[kind])
		o.Detail, o.AtRiskAmount = detail, amount
		return o
	}
	again := func(detail string, amount int64) *pb.WorkItemRestated {
		return &pb.WorkItemRestated{WorkItemId: ID("claim_held", "clm_1"), Title: "T", Detail: detail, AtRiskAmount: amount, DefaultAction: Kinds["claim_held"].Default}
	}
	held := open("claim_held", "no authorization", 21000)
	given := &pb.WorkItemAssigned{WorkItemId: held.WorkItemId, Assignee: "ana"}
	done := &pb.WorkItemResolved{WorkItemId: held.WorkItemId, Outcome: "released"}
	estest.Run(t, Stream, Raise, []estest.Case[*pb.WorkItemOpened]{
		{Name: "another amount", Given: events{held, given}, When: tell("claim_held", "no authorization", 42000), Then: events{again("no authorization", 42000)}},
		{Name: "another reason", Given: events{held}, When: tell("claim_held", "not covered", 21000), Then: events{again("not covered", 21000)}},
		{Name: "told again as it was", Given: events{held}, When: tell("claim_held", "no authorization", 21000)},
		{Name: "told again as it is now", Given: events{held, again("not covered", 42000)}, When: tell("claim_held", "not covered", 42000)},
		{Name: "one that was done opens anew", Given: events{held, done}, When: tell("claim_held", "no authorization", 42000), Then: events{open("claim_held", "no authorization", 42000)}},
		{Name: "one that gathers stays", Given: events{open("takeback", "one", 15000)}, When: tell("takeback", "two", 500)},
	})
	s := Evolve(Evolve(Evolve(State{}, held), given), again("not covered", 42000))
	if s.Assignee != "ana" || s.Opened.AtRiskAmount != 42000 || s.Opened.DueDate != held.DueDate || held.AtRiskAmount != 21000 {
		t.Error(s)
	}
}
