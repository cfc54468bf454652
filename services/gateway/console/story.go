package console

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// fact of an event as its service's history tells it; nil where this build does not know the type, or can't read it: a service may be newer than the gateway.
func factOf(e *platformv1.HistoryEvent) proto.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(e.Type))
	if err != nil {
		return nil
	}
	m := t.New().Interface()
	if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(e.Json), m) != nil {
		return nil
	}
	return m
}

// story is what an event of an account means, in a sentence; its name where we have no words of our own.
func story(n *names, e *platformv1.HistoryEvent) string {
	switch x := factOf(e).(type) {
	case *postingv1.ChargePosted:
		return "Charged " + money.Format(x.ChargeAmount)
	case *postingv1.ChargeCorrected:
		if x.ChargeAmount == x.PreviousChargeAmount {
			return "Charge corrected, still " + money.Format(x.ChargeAmount)
		}
		return fmt.Sprintf("Charge corrected from %s to %s", money.Format(x.PreviousChargeAmount), money.Format(x.ChargeAmount))
	case *postingv1.ChargeVoided:
		return "Charge voided: " + money.Format(x.ChargeAmount) + " taken off" + because(x.Reason)
	case *postingv1.ClaimPaymentFound:
		return money.Format(x.PaidAmount) + " is held no more" + because(x.Reason)
	case *postingv1.BalanceReturned:
		return fmt.Sprintf("%s that %s had left to others goes back to it", money.Format(x.Amount), n.payer(x.PayerId))
	case *postingv1.InsurancePaymentPosted:
		return fmt.Sprintf("%s paid %s", n.payer(x.PayerId), money.Format(x.PaidAmount))
	case *postingv1.ContractualAdjusted:
		if x.Amount < 0 {
			return fmt.Sprintf("%s taken off by contract comes back (%s-%s)", money.Format(-x.Amount), x.GroupCode, x.Carc)
		}
		return fmt.Sprintf("%s taken off by contract (%s-%s)", money.Format(x.Amount), x.GroupCode, x.Carc)
	case *postingv1.ResponsibilityTransferred:
		if x.Amount < 0 {
			return fmt.Sprintf("%s is not the patient's or the next payer's part any more (%s-%s)", money.Format(-x.Amount), x.GroupCode, x.Carc)
		}
		return fmt.Sprintf("%s is the patient's or the next payer's part (%s-%s)", money.Format(x.Amount), x.GroupCode, x.Carc)
	case *postingv1.PatientPaymentAllocated:
		if x.Amount < 0 {
			return money.Format(-x.Amount) + " of the patient's payment is free again"
		}
		return "The patient paid " + money.Format(x.Amount)
	case *postingv1.PatientPaymentReceived:
		return "The patient paid " + money.Format(x.Amount)
	case *postingv1.PatientPaymentAssigned:
		return money.Format(x.Amount) + " of a payment is for this account"
	case *postingv1.PatientPaymentRefunded:
		return money.Format(x.Amount) + " given back" + because(x.Reason)
	case *postingv1.PatientPaymentReversed:
		return money.Format(x.Amount) + " taken back" + because(x.Reason)
	case *postingv1.DepositReceived:
		return "The bank saw " + money.Format(x.Amount)
	case *postingv1.DepositReversed:
		return money.Format(x.Amount) + " taken back" + because(x.Reason)
	case *postingv1.CreditBalanceDetected:
		return fmt.Sprintf("%s paid %s too much", n.payer(x.PayerId), money.Format(x.CreditAmount))
	case *postingv1.UnderpaymentDetected:
		return fmt.Sprintf("%s allowed %s, the contract says %s", n.payer(x.PayerId), money.Format(x.AllowedAmount), money.Format(x.ExpectedAmount))
	case *postingv1.BalanceBillingHeld:
		return fmt.Sprintf("%s gave the patient %s against the contract (%s-%s): it stays open", n.payer(x.PayerId), money.Format(x.DisputedAmount), x.GroupCode, x.Carc)
	case *postingv1.UnderpaymentAccepted:
		return money.Format(x.Amount) + " in dispute given up" + because(x.Reason)
	case *postingv1.AcceptedLossRecovered:
		if x.Amount < 0 {
			return fmt.Sprintf("%s that %s had paid after all is lost again", money.Format(-x.Amount), n.payer(x.PayerId))
		}
		return fmt.Sprintf("%s paid %s of what was given up: it is taken off no more", n.payer(x.PayerId), money.Format(x.Amount))
	case *postingv1.UnderpaymentRecovered:
		return fmt.Sprintf("%s paid %s of what was in dispute", n.payer(x.PayerId), money.Format(x.Amount))
	case *postingv1.LaterPaymentQuestioned:
		return fmt.Sprintf("%s paid %s on a decision that %s took back", n.payer(x.PayerId), money.Format(x.PaidAmount), n.payer(x.EarlierPayerId))
	}
	return eventName(e.Type)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ", " + spelledIn(reason)
}

// happened is an account's events, oldest first; none where posting does not know the account yet.
func (c *console) happened(ctx context.Context, account string) ([]*platformv1.HistoryEvent, error) {
	h, err := c.history["posting"].History(ctx, &platformv1.HistoryRequest{Service: "posting", Stream: "account/" + account})
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what happened to the account: %w", err)
	}
	return h.Events, nil
}

// ofAccount are rows of a timeline, one for each event.
func (r *request) ofAccount(n *names, account string, events []*platformv1.HistoryEvent) []row {
	var rows []row
	for _, e := range events {
		rows = append(rows, row{Cells: []cell{
			instant(e.RecordedAt.AsTime()), did(e.Type, r.opens(r.to("/events/posting/account/"+account, "event", e.EventId))), text(story(n, e)), whose(e.Actor), r.source(e.Source),
		}})
	}
	return rows
}

// did is an event's name, on one line, that leads to it.
func did(kind, href string) cell {
	c := link(eventName(kind), href)
	c.Class = "day"
	return c
}

// chargeChanges are the events by which a claim has changed what is charged.
func chargeChanges(claim string, events []*platformv1.HistoryEvent) []*platformv1.HistoryEvent {
	return slices.DeleteFunc(slices.Clone(events), func(e *platformv1.HistoryEvent) bool {
		switch x := factOf(e).(type) {
		case *postingv1.ChargeCorrected:
			return x.ClaimId != claim
		case *postingv1.ChargeVoided:
			return x.ClaimId != claim
		}
		return true
	})
}

// timeline is what happened, oldest first.
func timeline(rows []row) *table {
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.Cells[0].sort, b.Cells[0].sort) })
	return &table{
		ID: "timeline", Caption: "What happened", Columns: []column{{Name: "When (UTC)"}, {Name: "Event"}, {Name: "What"}, {Name: "By"}, {Name: "File"}}, Empty: "Nothing has happened yet.", Rows: rows,
	}
}
