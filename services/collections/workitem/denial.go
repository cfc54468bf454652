package workitem

import (
	"fmt"
	"slices"
	"strings"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// DeniedMirror has what is denied now on a line of a claim, by claim_id and line_id: each reason once, those of the payer's last word on the line.
var DeniedMirror = es.Mirror[[]*claimsv1.LineDenied]{
	Name: "collections.denied",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *claimsv1.LineDenied:
			return []string{deniedLine(e.ClaimId, e.LineId)}
		case *claimsv1.DenialOverturned:
			return []string{deniedLine(e.ClaimId, e.LineId)}
		case *claimsv1.ClaimClosed:
			if !e.Withdrawn {
				return nil
			}
			var keys []string
			for _, line := range e.DeniedLineIds {
				keys = append(keys, deniedLine(e.ClaimId, line))
			}
			return keys
		}
		return nil
	},
	Evolve: func(denied []*claimsv1.LineDenied, event es.Event) []*claimsv1.LineDenied {
		switch e := event.(type) {
		case *claimsv1.LineDenied:
			said := func(d *claimsv1.LineDenied) bool { return d.GroupCode == e.GroupCode && d.Carc == e.Carc }
			denied = slices.DeleteFunc(denied, func(d *claimsv1.LineDenied) bool { return d.RemittanceId != e.RemittanceId })
			if n := slices.IndexFunc(denied, said); n >= 0 {
				denied[n] = e
				return denied
			}
			return append(denied, e)
		case *claimsv1.DenialOverturned:
			return slices.DeleteFunc(denied, func(d *claimsv1.LineDenied) bool { return d.GroupCode == e.GroupCode && d.Carc == e.Carc })
		}
		return nil // the claim was taken back, and they end with it
	},
}

func deniedLine(claim, line string) string { return claim + " " + line }

// denial keeps the item of a line as what is denied on it is now: one item, whatever number of reasons the payer gives; less than was denied is said of an open item, and nothing ends it.
func denial(r es.Recorded, look es.Look) []es.Command {
	switch e := r.Event.(type) {
	case *claimsv1.LineDenied:
		denied, _ := es.Find(look, DeniedMirror, deniedLine(e.ClaimId, e.LineId)) // with this event
		return denialNow(denied, e.ClaimId, e.LineId, Raise, r.OccurredOn)
	case *claimsv1.DenialOverturned:
		denied, _ := es.Find(look, DeniedMirror, deniedLine(e.ClaimId, e.LineId))
		return denialNow(denied, e.ClaimId, e.LineId, Restate, r.OccurredOn)
	case *claimsv1.ClaimClosed:
		if !e.Withdrawn {
			return nil
		}
		var out []es.Command
		for _, line := range e.DeniedLineIds {
			out = append(out, settleDenial(e.ClaimId, line, "withdrawn"))
		}
		return out
	}
	return nil
}

func denialNow(denied []*claimsv1.LineDenied, claim, line string, say func(State, *pb.WorkItemOpened) ([]es.Event, error), today string) []es.Command {
	if len(denied) == 0 {
		return []es.Command{settleDenial(claim, line, "overturned")}
	}
	item := denialItem(denied)
	item.OpenedDate = today
	return []es.Command{es.Do(Stream, ID(item.Kind, item.Subject), say, item)}
}

func settleDenial(claim, line, outcome string) es.Command {
	id := ID("denial", deniedLine(claim, line))
	return es.Do(Stream, id, Settle, &pb.WorkItemResolved{WorkItemId: id, Outcome: outcome})
}

// denialItem is what is denied on a line: the sum of its reasons, each with its amount where there are several, and what is done by default about each. The earliest appeal date counts.
func denialItem(denied []*claimsv1.LineDenied) *pb.WorkItemOpened {
	last := denied[len(denied)-1]
	item := &pb.WorkItemOpened{
		Kind: "denial", Subject: deniedLine(last.ClaimId, last.LineId), PatientId: last.PatientId, ClaimId: last.ClaimId, PayerId: last.PayerId, RemittanceId: last.RemittanceId,
	}
	var codes, parts, remarks, actions []string
	for _, d := range denied {
		code := d.GroupCode + "-" + d.Carc
		codes, parts = append(codes, code), append(parts, code+" "+money.Format(d.DeniedAmount))
		item.AtRiskAmount += d.DeniedAmount
		for _, remark := range d.Rarc {
			if !slices.Contains(remarks, remark) {
				remarks = append(remarks, remark)
			}
		}
		if d.DefaultAction != "" && !slices.Contains(actions, d.DefaultAction) {
			actions = append(actions, d.DefaultAction)
		}
		if d.AppealDueDate != "" && (item.DueDate == "" || d.AppealDueDate < item.DueDate) {
			item.DueDate = d.AppealDueDate
		}
	}
	item.Title, item.DefaultAction = "Line denied: "+strings.Join(codes, ", "), strings.Join(actions, "; ")
	item.Detail = fmt.Sprintf("code %s of %s, remarks %s, %s refused", or(last.ServiceCode, "of the whole claim"), last.ServiceDate, or(strings.Join(remarks, ", "), "none"), money.Format(item.AtRiskAmount))
	if len(denied) > 1 {
		item.Detail += ": " + strings.Join(parts, ", ")
	}
	return item
}
