package workitem

import (
	"fmt"
	"strings"
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// A denied line is one item, with the reasons and the sum that are denied on it now.
func TestADenialItemFollowsWhatIsDeniedNow(t *testing.T) {
	type events = []es.Event
	denies := func(remittance, carc string, amount int64) es.Event {
		return &claimsv1.LineDenied{
			ClaimId: "c", LineId: "L1", ServiceCode: "90834", ServiceDate: "2026-03-02", GroupCode: "CO", Carc: carc, DeniedAmount: amount, RemittanceId: remittance,
			DefaultAction: map[string]string{"50": "appeal", "197": "ask for one"}[carc], AppealDueDate: "2026-06-18",
		}
	}
	overturns := func(carc string) es.Event {
		return &claimsv1.DenialOverturned{ClaimId: "c", LineId: "L1", GroupCode: "CO", Carc: carc, RemittanceId: "rem_2"}
	}
	withdrawn := &claimsv1.ClaimClosed{ClaimId: "c", Withdrawn: true, DeniedLineIds: []string{"L1"}}
	for _, c := range []struct {
		name string
		told events
		want string // title, at risk, detail from the sum on, default action; or how it ended
	}{
		{"one reason", events{denies("rem_1", "50", 3000)}, "Line denied: CO-50 | 3000 | $30.00 refused | appeal"},
		{"two reasons", events{denies("rem_1", "50", 3000), denies("rem_1", "197", 4000)}, "Line denied: CO-50, CO-197 | 7000 | $70.00 refused: CO-50 $30.00, CO-197 $40.00 | appeal; ask for one"},
		{"heard twice", events{denies("rem_1", "50", 3000), denies("rem_1", "50", 3000)}, "Line denied: CO-50 | 3000 | $30.00 refused | appeal"},
		{"the last word counts", events{denies("rem_1", "50", 3000), denies("rem_2", "197", 15500)}, "Line denied: CO-197 | 15500 | $155.00 refused | ask for one"},
		{"less of it is open", events{denies("rem_1", "50", 11500), denies("rem_2", "50", 1500)}, "Line denied: CO-50 | 1500 | $15.00 refused | appeal"},
		{"one of two is overturned", events{denies("rem_1", "50", 3000), denies("rem_1", "197", 4000), overturns("197")}, "Line denied: CO-50 | 3000 | $30.00 refused | appeal"},
		{"both are", events{denies("rem_1", "50", 3000), denies("rem_1", "197", 4000), overturns("197"), overturns("50")}, "overturned"},
		{"it is denied again", events{denies("rem_1", "50", 3000), overturns("50"), denies("rem_3", "50", 2000)}, "Line denied: CO-50 | 2000 | $20.00 refused | appeal"},
		{"the claim is taken back", events{denies("rem_1", "50", 3000), denies("rem_1", "197", 4000), withdrawn}, "withdrawn"},
		{"what was denied before it was taken back is not counted", events{denies("rem_1", "50", 3000), withdrawn, denies("rem_1", "197", 4000)}, "Line denied: CO-197 | 4000 | $40.00 refused | ask for one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := denialAfter(t, State{}, nil, c.told...); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	// What a person has done with stays done when less of it is denied.
	var s State
	s = Evolve(s, &pb.WorkItemOpened{WorkItemId: ID("denial", "c L1"), Kind: "denial", Subject: "c L1", AtRiskAmount: 7000})
	s = Evolve(s, &pb.WorkItemResolved{WorkItemId: s.Opened.WorkItemId, Outcome: "accepted"})
	if got := denialAfter(t, s, events{denies("rem_1", "50", 3000), denies("rem_1", "197", 4000)}, overturns("197")); got != "accepted" {
		t.Error(got)
	}
}

// denialAfter is the item after events, heard one by one after those before.
func denialAfter(t *testing.T, s State, before []es.Event, told ...es.Event) string {
	t.Helper()
	heard := before
	for _, e := range told {
		heard = append(heard, e)
		commands, err := React(es.Recorded{Event: e, OccurredOn: "2026-03-20"}, es.Known{DeniedMirror.Name: {"c L1": heard}})
		if err != nil {
			t.Fatal(err)
		}
		for _, cmd := range commands {
			if cmd.ID != ID("denial", "c L1") {
				continue
			}
			out, err := cmd.Decide(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range out {
				s = Evolve(s, o)
			}
		}
	}
	if s.Resolved != nil {
		return s.Resolved.Outcome
	}
	_, detail, _ := strings.Cut(s.Opened.Detail, "none, ")
	return fmt.Sprintf("%s | %d | %s | %s", s.Opened.Title, s.Opened.AtRiskAmount, detail, s.Opened.DefaultAction)
}
