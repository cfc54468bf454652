package demo

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// The biller: answers coders' questions every evening, looks at claims on Wednesdays and at what patients owe on Fridays.

func (e *ehr) bill(ctx context.Context, day int) error {
	var work []func(context.Context, int) error
	switch time.Weekday((day + 1) % daysOfWeek) {
	case time.Saturday, time.Sunday:
		return nil
	case time.Wednesday:
		work = append(work, e.answers, e.held, e.denied)
	case time.Friday:
		work = append(work, e.answers, e.payments)
	default:
		work = append(work, e.answers)
	}
	for _, do := range work {
		if err := do(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

// pages reads a list to its end.
func pages[R interface{ GetNextPageToken() string }](ctx context.Context, query url.Values, read func(context.Context, url.Values) (R, error)) error {
	query.Set("page_size", "500")
	for {
		page, err := read(ctx, query)
		if err != nil {
			return err
		}
		next := page.GetNextPageToken()
		if next == "" {
			return nil
		}
		query.Set("page_token", next)
	}
}

// known are the visits behind encounters. What an earlier run has sent is sent again, to learn the ids: nothing happens twice.
func (e *ehr) known(ctx context.Context, day int, encounters []string) (map[string]*visit, error) {
	found := func() (of map[string]*visit, all bool) {
		e.mu.Lock()
		defer e.mu.Unlock()
		of, all = map[string]*visit{}, true
		for _, id := range encounters {
			if v := e.visitOf[id]; v != nil {
				of[id] = v
			} else {
				all = false
			}
		}
		return of, all
	}
	if of, all := found(); all || e.recalled {
		return of, nil
	}
	err := each(ctx, e.plan.visits, func(ctx context.Context, v *visit) error {
		if v.fate != happens || v.entered > day {
			return nil
		}
		if _, err := e.encounter(ctx, v, v.name); err != nil {
			return err
		}
		if v.again != 0 && v.again <= day {
			_, err := e.encounter(ctx, v, v.name+" again")
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.recalled = true
	of, _ := found()
	return of, nil
}

// answers says to each open query what the visit's plan says. Who knows no better bills nothing.
func (e *ehr) answers(ctx context.Context, day int) error {
	var open []string
	err := pages(ctx, url.Values{"status": {"ENCOUNTER_STATUS_CODER_QUERY"}}, func(ctx context.Context, q url.Values) (*codingv1.ListEncountersResponse, error) {
		var page codingv1.ListEncountersResponse
		err := e.read(ctx, "/v1/encounters", q, &page)
		for _, one := range page.Encounters {
			open = append(open, one.EncounterId)
		}
		return &page, err
	})
	if err != nil || len(open) == 0 {
		return err
	}
	visits, err := e.known(ctx, day, open)
	if err != nil {
		return err
	}
	if err := each(ctx, open, func(ctx context.Context, id string) error {
		v := visits[id]
		if v == nil {
			return nil // another group's
		}
		answer := &codingv1.AnswerCoderQueryRequest{ServiceCode: v.answer, NoBill: v.answer == "", Note: "asked the clinician"}
		if v.insists {
			answer = &codingv1.AnswerCoderQueryRequest{DistinctService: true, Note: "taken for a second visit"}
		}
		_, err := e.write(ctx, "answer "+id, "/v1/encounters/"+id+"/coder-answers", answer)
		return err
	}); err != nil {
		return err
	}
	return e.quiet(ctx)
}

// claims lists claims of one status that this group's visits made.
func (e *ehr) claims(ctx context.Context, day int, status claimsv1.ClaimStatus) ([]*claimsv1.Claim, []*visit, error) {
	var found []*claimsv1.ClaimSummary
	err := pages(ctx, url.Values{"status": {status.String()}}, func(ctx context.Context, q url.Values) (*claimsv1.ListClaimsResponse, error) {
		var page claimsv1.ListClaimsResponse
		err := e.read(ctx, "/v1/claims", q, &page)
		found = append(found, page.Claims...)
		return &page, err
	})
	if err != nil {
		return nil, nil, err
	}
	var encounters []string
	for _, c := range found {
		encounters = append(encounters, c.EncounterId)
	}
	visits, err := e.known(ctx, day, encounters)
	if err != nil {
		return nil, nil, err
	}
	var claims []*claimsv1.Claim
	var behind []*visit
	for _, c := range found {
		v := visits[c.EncounterId]
		if v == nil || c.ClaimVersion > 1 { // what was mended once is left as it is
			continue
		}
		var claim claimsv1.Claim
		if err := e.read(ctx, "/v1/claims/"+c.ClaimId, nil, &claim); err != nil {
			return nil, nil, err
		}
		claims, behind = append(claims, &claim), append(behind, v)
	}
	return claims, behind, nil
}

// waits is how many days a held claim is looked into before somebody decides.
const waits = 6

// held lets go what waits for no reason a payer would share, and mends the rest.
func (e *ehr) held(ctx context.Context, day int) error {
	claims, visits, err := e.claims(ctx, day, claimsv1.ClaimStatus_CLAIM_STATUS_HELD)
	if err != nil {
		return err
	}
	acted := false
	for i, c := range claims {
		v := visits[i]
		if day-v.entered < waits {
			continue
		}
		id := c.Summary.ClaimId
		switch failed := func(rule string) bool {
			return slices.ContainsFunc(c.Edits, func(f *claimsv1.EditFailure) bool { return f.Blocking && f.GetReason().GetRuleId() == rule })
		}; {
		case failed("claims.timely_filing"):
			_, err = e.write(ctx, "release "+id, "/v1/claims/"+id+"/releases", &claimsv1.ReleaseClaimRequest{Reason: "the record was signed late: asking for an exception"})
		case failed("claims.authorization_number") && (v.missing == mendedFirst || v.permit != nil): // forgotten, or beyond what was approved
			_, err = e.afterTheFact(ctx, c, v)
		case failed("claims.authorization_number"):
			_, err = e.write(ctx, "release "+id, "/v1/claims/"+id+"/releases", &claimsv1.ReleaseClaimRequest{Reason: "the payer said on the phone that none is needed"})
		default:
			continue
		}
		if err != nil {
			return err
		}
		acted = true
	}
	if !acted {
		return nil
	}
	return e.quiet(ctx)
}

// afterTheFact gets an authorization for a session that was given, and is the payer's number for it. A claim that is held for it goes by itself then.
func (e *ehr) afterTheFact(ctx context.Context, c *claimsv1.Claim, v *visit) (string, error) {
	name := v.name + " after the fact"
	_, err := e.permitted(ctx, v.patient, name, "phone", e.date(v.day), e.date(v.day), map[string]int32{c.Lines[0].ServiceCode: 1})
	return e.number(name), err
}

// mend corrects a claim that was decided with an authorization after the fact.
func (e *ehr) mend(ctx context.Context, c *claimsv1.Claim, v *visit) error {
	number, err := e.afterTheFact(ctx, c, v)
	if err != nil {
		return err
	}
	id := c.Summary.ClaimId
	_, err = e.write(ctx, "correct "+id, "/v1/claims/"+id+"/corrections", &claimsv1.CorrectClaimRequest{AuthorizationNumber: number, Reason: "authorization after the fact"})
	return err
}

// denied corrects what can be corrected: a missing authorization that the payer gives after all, a missing modifier. What was billed twice is taken back. The rest stays with its work item.
func (e *ehr) denied(ctx context.Context, day int) error {
	claims, visits, err := e.claims(ctx, day, claimsv1.ClaimStatus_CLAIM_STATUS_DENIED)
	if err != nil {
		return err
	}
	acted := false
	for i, c := range claims {
		because := func(carc string) bool {
			return slices.ContainsFunc(c.OpenDenials, func(d *claimsv1.OpenDenial) bool { return d.Carc == carc })
		}
		switch {
		case because("197") && visits[i].missing == sentAnyway:
			err = e.mend(ctx, c, visits[i])
		case because("109") && !visits[i].patient.checked:
			err = e.ask(ctx, visits[i].patient, "")
		case because("4"):
			err = e.modify(ctx, c, visits[i], day)
		case because("18"):
			_, err = e.write(ctx, "void "+c.Summary.ClaimId, "/v1/claims/"+c.Summary.ClaimId+"/voids", &claimsv1.VoidClaimRequest{Reason: "the visit was billed twice"})
		default:
			continue
		}
		if err != nil {
			return err
		}
		acted = true
	}
	if !acted {
		return nil
	}
	return e.quiet(ctx)
}

// modify adds the modifier that the payer turned out to want.
func (e *ehr) modify(ctx context.Context, c *claimsv1.Claim, v *visit, day int) error {
	policy := v.patient.payer().policyOn(day)
	want := policy.GetTelehealthModifier()
	if v.modality == typev1.Modality_MODALITY_AUDIO_PATIENT_HOME {
		want = policy.GetAudioModifier()
	}
	if want == "" || slices.Contains(c.Lines[0].Modifiers, want) {
		return nil // not known yet
	}
	correction := &claimsv1.CorrectClaimRequest{Reason: "the payer wants modifier " + want}
	for _, l := range c.Lines {
		correction.Lines = append(correction.Lines, &claimsv1.LineChange{LineId: l.LineId, Modifiers: append(slices.Clone(l.Modifiers), want)})
	}
	id := c.Summary.ClaimId
	_, err := e.write(ctx, "correct "+id, "/v1/claims/"+id+"/corrections", correction)
	return err
}

// payments: patients who have had a statement do what they do about it. In the last week those who have none get theirs.
func (e *ehr) payments(ctx context.Context, day int) error {
	owe := map[string]bool{}
	if err := pages(ctx, url.Values{"payer_id": {"patient"}}, func(ctx context.Context, q url.Values) (*reportingv1.ListAgingRowsResponse, error) {
		var page reportingv1.ListAgingRowsResponse
		err := e.read(ctx, "/v1/reports/aging/rows", q, &page)
		for _, r := range page.Rows {
			owe[r.PatientId] = true
		}
		return &page, err
	}); err != nil {
		return err
	}
	var owing []*patient
	for _, p := range e.plan.patients {
		if p.starts > day {
			continue
		}
		id, err := e.patient(ctx, p)
		if err != nil {
			return err
		}
		if owe[id] {
			owing = append(owing, p)
		}
	}
	if len(owing) == 0 {
		return nil
	}
	if err := each(ctx, owing, func(ctx context.Context, p *patient) error { return e.pay(ctx, p, day) }); err != nil {
		return err
	}
	return e.quiet(ctx)
}

// mailed is how many days a statement takes to be paid.
const mailed = 5

func (e *ehr) pay(ctx context.Context, p *patient, day int) error {
	id, err := e.patient(ctx, p)
	if err != nil {
		return err
	}
	var owes collectionsv1.PatientBalance
	if err := e.read(ctx, "/v1/patients/"+id+"/balance", nil, &owes); err != nil {
		return err
	}
	amount := owes.Balance.GetAmountMinor()
	last := day >= (e.plan.weeks+settle-1)*daysOfWeek
	switch {
	case amount <= 0:
		return nil
	case owes.LastStatementId == "" && last:
		_, err := e.write(ctx, p.name+" statement", "/v1/patients/"+id+"/statements", &collectionsv1.IssueStatementRequest{})
		return err
	case owes.LastStatementId == "" || owes.LastStatementDate > e.date(day-mailed) || p.pays == never:
		return nil
	case p.pays == half:
		if amount = amount / 2 / 100 * 100; amount == 0 {
			return nil
		}
	}
	name := fmt.Sprintf("%s pays %d", p.name, day)
	_, err = e.write(ctx, name, "/v1/patient-payments", &postingv1.RecordPatientPaymentRequest{PatientId: id, Amount: money.Of(amount), Method: "card", Reference: "statement " + owes.LastStatementDate})
	if coded(err, "key_reused") {
		return nil // paid this evening by a run that was interrupted, when more was owed
	}
	return err
}
