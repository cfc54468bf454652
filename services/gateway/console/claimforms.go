package console

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
)

// claimForms are what a biller does with a claim: what its state allows, and the service says the rest.
func (r *request) claimForms(x *claimsv1.Claim) []*form {
	s, to := x.Summary, "/claims/"+x.Summary.ClaimId
	var all []*form
	if s.Work == claimsv1.WorkStatus_WORK_STATUS_HELD {
		all = append(all,
			r.form(to+"/rescrub", "Check again", "The claim is checked with the facts of now, and goes out when it is clean.", "Check again with the facts of now"),
			r.form(to+"/release", "Release as it is", "The claim goes out although checks failed. Who released it and why is recorded.", "Release", reason("Because", 500)))
	}
	if awaited(s) {
		all = append(all, r.form(to+"/status-reports", "Report what the payer says", "Asked by telephone or on its portal, of a claim that it has not answered. Not on file: the claim is held, to be sent again. On file: its decision is waited for anew.", "Report",
			input{Name: "finding", Label: "The payer has", Options: []option{{"CLAIM_FINDING_NOT_ON_FILE", "no such claim on file"}, {"CLAIM_FINDING_ON_FILE", "the claim on file, not decided"}}},
			input{Name: "payer_claim_control_number", Label: "Payer's claim number, where on file", Most: 50}, reason("Who said so, and how", 500)))
	}
	void := s.FrequencyCode == claimsv1.FrequencyCode_FREQUENCY_CODE_VOID
	if void && s.Work != claimsv1.WorkStatus_WORK_STATUS_HELD && !voidRefused(s) {
		return forms(all...)
	}
	if s.Status != claimsv1.ClaimStatus_CLAIM_STATUS_READY { // what waits for its file can only be taken out of it
		all = append(all, r.correction(x))
	}
	return forms(append(all, r.form(to+"/voids", "Void", "The claim is taken back, at the payer too where it has it; what waits for its file is taken out of it. With the first payer's claim the charge comes off the account.", "Void the claim", reason("Because", 500)))...)
}

// voidRefused says whether a void has ended without the payer taking its decision back.
func voidRefused(s *claimsv1.ClaimSummary) bool {
	void := s.FrequencyCode == claimsv1.FrequencyCode_FREQUENCY_CODE_VOID && s.Work == claimsv1.WorkStatus_WORK_STATUS_CLOSED
	return void && s.Adjudication != claimsv1.AdjudicationStatus_ADJUDICATION_STATUS_REVERSED && s.Adjudication != claimsv1.AdjudicationStatus_ADJUDICATION_STATUS_NONE
}

// awaited says whether the payer was sent the claim and has not spoken of it, or has refused to take it back.
func awaited(s *claimsv1.ClaimSummary) bool {
	if voidRefused(s) {
		return true
	}
	sent := s.Transport == claimsv1.TransportStatus_TRANSPORT_STATUS_SUBMITTED || s.Transport == claimsv1.TransportStatus_TRANSPORT_STATUS_ACKNOWLEDGED || s.Transport == claimsv1.TransportStatus_TRANSPORT_STATUS_ACCEPTED
	return sent && (s.Status == claimsv1.ClaimStatus_CLAIM_STATUS_SUBMITTED || s.Status == claimsv1.ClaimStatus_CLAIM_STATUS_ACCEPTED || s.Status == claimsv1.ClaimStatus_CLAIM_STATUS_HELD)
}

// correction holds the claim as it is: what is typed over is corrected.
func (r *request) correction(x *claimsv1.Claim) *form {
	var fields []input
	for i, l := range x.Lines {
		at, of := fmt.Sprintf("lines[%d].", i), l.ServiceCode
		if len(x.Lines) > 1 {
			of = fmt.Sprintf("line %d, %s", i+1, l.ServiceCode)
		}
		fields = append(fields,
			input{Name: at + "modifiers", Label: "Modifiers of " + of, Value: strings.Join(l.Modifiers, " "), Most: 20},
			input{Name: at + "units_thousandths", Label: "Units", Value: units(l.UnitsThousandths).Text, Most: 6, Required: true},
			input{Name: at + "place_of_service", Label: "Place of service", Value: l.PlaceOfService, Most: 2, Required: true},
			input{Name: at + "diagnosis_pointers", Label: "Diagnoses, by their place on the claim", Value: pointers(l.DiagnosisPointers), Most: 20})
	}
	fields = append(fields, input{Name: "authorization_number", Label: "Authorization number", Value: x.AuthorizationNumber, Most: 50}, reason("Because", 500))
	return r.form("/claims/"+x.Summary.ClaimId+"/corrections", "Correct", "What the payer decided is replaced; what it never took in goes out as it is corrected here.", "Correct and send", fields...)
}

func pointers(list []int32) string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(int(n)))
	}
	return strings.Join(out, " ")
}

// corrected is what differs from the claim in what was typed.
func corrected(r *request, x *claimsv1.Claim) (*claimsv1.CorrectClaimRequest, error) {
	ask := &claimsv1.CorrectClaimRequest{ClaimId: x.Summary.ClaimId, Reason: typed(r, "reason")}
	if a := typed(r, "authorization_number"); a != x.AuthorizationNumber {
		ask.AuthorizationNumber = a
	}
	apart := func(s string) []string {
		return strings.FieldsFunc(strings.ToUpper(s), func(c rune) bool { return c == ' ' || c == ',' })
	}
	for i, l := range x.Lines {
		at := fmt.Sprintf("lines[%d].", i)
		change := &claimsv1.LineChange{LineId: l.LineId}
		if m := apart(typed(r, at+"modifiers")); !slices.Equal(m, l.Modifiers) {
			change.Modifiers, change.RemoveModifiers = m, len(m) == 0
		}
		if n := typed(r, at+"units_thousandths"); n != units(l.UnitsThousandths).Text {
			whole, err := strconv.ParseInt(n, 10, 32)
			if err != nil || whole < 1 || whole > 99 {
				return nil, wrong(at+"units_thousandths", fmt.Sprintf("%q are no units: whole ones, 1 to 99", n))
			}
			change.UnitsThousandths = int32(whole) * 1000
		}
		if p := typed(r, at+"place_of_service"); p != l.PlaceOfService {
			change.PlaceOfService = p
		}
		if p := typed(r, at+"diagnosis_pointers"); p != pointers(l.DiagnosisPointers) {
			for _, s := range apart(p) {
				n, err := strconv.ParseInt(s, 10, 32)
				if err != nil || n < 1 || n > 12 {
					return nil, wrong(at+"diagnosis_pointers", fmt.Sprintf("%q is no place on the claim: 1 is its first diagnosis", s))
				}
				change.DiagnosisPointers = append(change.DiagnosisPointers, int32(n))
			}
		}
		ask.Lines = append(ask.Lines, change) // also what did not change: so that a reason names the line by its place
	}
	return ask, nil
}

func (c *console) rescrub(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.claims.RescrubClaim(c.calling(ctx, r, r.PostFormValue("key")), &claimsv1.RescrubClaimRequest{ClaimId: id})
	return c.after(r, receipt, err, "/claims/"+id, "rescrub")
}

func (c *console) release(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.claims.ReleaseClaim(c.calling(ctx, r, r.PostFormValue("key")), &claimsv1.ReleaseClaimRequest{ClaimId: id, Reason: typed(r, "reason")})
	return c.after(r, receipt, err, "/claims/"+id, "released")
}

func (c *console) reportStatus(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.claims.ReportClaimStatus(c.calling(ctx, r, r.PostFormValue("key")), &claimsv1.ReportClaimStatusRequest{
		ClaimId: id, Finding: claimsv1.ClaimFinding(claimsv1.ClaimFinding_value[r.PostFormValue("finding")]), PayerClaimControlNumber: typed(r, "payer_claim_control_number"), Reason: typed(r, "reason"),
	})
	return c.after(r, receipt, err, "/claims/"+id, "reported")
}

func (c *console) voidClaim(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.claims.VoidClaim(c.calling(ctx, r, r.PostFormValue("key")), &claimsv1.VoidClaimRequest{ClaimId: id, Reason: typed(r, "reason")})
	return c.after(r, receipt, err, "/claims/"+id, "voided")
}

func (c *console) correct(ctx context.Context, r *request) (*page, error) {
	x, err := c.claims.GetClaim(ctx, &claimsv1.GetClaimRequest{ClaimId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the claim: %w", err)
	}
	ask, err := corrected(r, x)
	if err != nil {
		return nil, err
	}
	receipt, err := c.claims.CorrectClaim(c.calling(ctx, r, r.PostFormValue("key")), ask)
	return c.after(r, receipt, err, "/claims/"+x.Summary.ClaimId, "corrected")
}
