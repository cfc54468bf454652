package claim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/claims/content"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

// ID of the claim of a visit to one payer: the same whenever it is asked for.
func ID(encounterID string, s typev1.PayerSequence) string {
	return es.Derive("clm", encounterID, fmt.Sprint(int32(s)))
}

// idOf is ID where the payer is known. A claim to a payer that no file named has one of its own: it is the same visit's, and never the claim to whoever is named later.
func idOf(encounterID string, p *intakev1.ResponsiblePayer) string {
	if p.PayerId == edits.Unnamed {
		return es.Derive("clm", encounterID, fmt.Sprint(int32(p.PayerSequence)), "unnamed")
	}
	return ID(encounterID, p.PayerSequence)
}

// React makes claims of coded visits, and keeps them in step with what went out, came back and was posted.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *codingv1.CodingCompleted:
		first := content.First(e)
		if first == nil { // self-pay, or every payer has decided already
			return nil, nil
		}
		return open(look, e, first, Opening{}, r.OccurredOn)
	case *codingv1.VisitPayersTold:
		return payersTold(look, e, r.OccurredOn)
	case *exchangev1.InterchangeSent:
		return sent(e), nil
	case *exchangev1.ClaimRecalled:
		return unsent(look, e, r.OccurredOn)
	case *exchangev1.SetAcknowledged:
		return []es.Command{es.Do(Stream, e.ClaimId, Answered, Word{
			Version: e.ClaimVersion, Level: pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX, Accepted: e.Status != "R", StatusCodes: e.Codes, Source: e.Source,
		})}, nil
	case *exchangev1.ClaimStatusReceived:
		return []es.Command{es.Do(Stream, e.ClaimId, Answered, Word{
			Version: e.ClaimVersion, Level: e.Level, Accepted: e.Accepted, StatusCodes: e.StatusCodes, PayerNumber: e.PayerClaimControlNumber, Source: e.Source,
		})}, nil
	case *authorizationv1.UnitsConsumed:
		return covered(look, e.EncounterId, r.OccurredOn)
	case *authorizationv1.UnitsRestored:
		return covered(look, e.EncounterId, r.OccurredOn)
	case *authorizationv1.UnitsRefused:
		return covered(look, e.EncounterId, r.OccurredOn)
	case *pb.ClaimCreated:
		approved, err := crossed(look, e, r.OccurredOn)
		if err != nil {
			return nil, err
		}
		again, err := crossedCoverage(look, e.EncounterId, e.ClaimId, true, r.OccurredOn)
		return slices.Concat(approved, again, crossedName(look, e)), err
	case *intakev1.CoverageAdded:
		return covers(look, e, r.OccurredOn)
	case *intakev1.CoverageTerminated:
		return ended(look, e, r.OccurredOn)
	case *pb.CoverageChangeDetected:
		return crossedCoverage(look, e.EncounterId, e.ClaimId, false, r.OccurredOn)
	case *pb.ClaimClosed:
		if e.Withdrawn && !e.ChargeStands {
			return follow(look, e, r.OccurredOn)
		}
		if e.ContinuedByClaimId != "" {
			return continued(look, e, r.OccurredOn)
		}
	case *postingv1.ClaimPaymentPosted:
		return posted(look, e, r.OccurredOn)
	case *postingv1.UnderpaymentAccepted:
		return []es.Command{es.Do(Stream, e.ClaimId, Lessen, &pb.ClaimDisputeLessened{ClaimId: e.ClaimId, DisputedAmount: e.DisputedAmount, CauseEventId: r.ID.String()})}, nil
	}
	return nil, nil
}

// open asks for the claim to one payer, as the opening says why.
func open(look es.Look, coded *codingv1.CodingCompleted, payer *intakev1.ResponsiblePayer, o Opening, today string) ([]es.Command, error) {
	facts, scrub, err := Gather(look, coded, payer, today)
	if err != nil {
		return nil, err
	}
	payments, _ := es.Find(look, PaymentMirror, coded.EncounterId)
	o.Scrub, o.Created, o.InForce = scrub, created(facts, scrub), inForce(payments, payer.PayerSequence, "")
	return []es.Command{es.Do(Stream, facts.ClaimID, Open, o)}, nil
}

func created(facts content.Facts, scrub edits.Facts) *pb.ClaimCreated {
	coded := facts.Coded
	return &pb.ClaimCreated{
		ClaimId: facts.ClaimID, EncounterId: coded.EncounterId, AccountId: coded.EncounterId, PatientId: coded.PatientId, CoverageId: facts.Payer.CoverageId,
		OrganizationId: coded.OrganizationId, LocationId: coded.LocationId, RenderingClinicianId: coded.RenderingClinicianId,
		TimelyFilingDueDate: scrub.TimelyFilingDue, Content: content.Build(facts), Imported: coded.Imported,
	}
}

// crossOver tells the claim to a payer that the payer before has sent it on.
func crossOver(look es.Look, coded *codingv1.CodingCompleted, payer *intakev1.ResponsiblePayer, e *postingv1.ClaimPaymentPosted, today string) ([]es.Command, error) {
	facts, scrub, err := Gather(look, coded, payer, today)
	if err != nil {
		return nil, err
	}
	return []es.Command{es.Do(Stream, facts.ClaimID, CrossOver, Crossing{Created: created(facts, scrub), RemittanceID: e.RemittanceId, Date: cmp.Or(e.AdjudicationDate, today)})}, nil
}

// Gather looks up what a claim to one payer is made of and judged by. What must be there and is not yet is waited for; a payer's policy may never come, and an
// authorization may never cover the visit: the claim is made without, and judged without.
func Gather(look es.Look, coded *codingv1.CodingCompleted, to *intakev1.ResponsiblePayer, today string) (content.Facts, edits.Facts, error) {
	f := content.Facts{ClaimID: idOf(coded.EncounterId, to), Coded: coded, Payer: to}
	payer, _ := es.Find(look, PayerMirror, to.PayerId)
	scrub := edits.Facts{Policy: payer.PolicyOn(coded.ServiceDate), Today: today, Imported: coded.Imported, Modality: coded.Modality, RenderingClinicianID: coded.RenderingClinicianId}
	scrub.TimelyFilingDue = edits.FilingLimit(scrub.Policy, coded.ServiceDate, nil)
	scrub.SameDay = others(look, coded)
	if f.Registered = payer.Registered; f.Registered == nil {
		return f, scrub, es.Wait(PayerMirror, to.PayerId)
	}
	var err error
	if coded.Imported {
		f.Import, err = imported(look, coded)
	} else {
		err = people(look, &f)
	}
	if err != nil {
		return f, scrub, err
	}
	if err := authorizations(look, &f, &scrub); err != nil {
		return f, scrub, err
	}
	err = earlier(look, &f)
	var decided []*pb.PriorPayer
	for _, e := range f.Earlier {
		decided = append(decided, e.Decided)
	}
	scrub.TimelyFilingDue = edits.FilingLimit(scrub.Policy, coded.ServiceDate, decided)
	scrub.Coverage = changed(look, f)
	return f, scrub, err
}

// others are the patient's other visits of the day.
func others(look es.Look, coded *codingv1.CodingCompleted) []*codingv1.CodingCompleted {
	visits, _ := es.Find(look, DayMirror, dayKey(coded))
	return slices.DeleteFunc(visits, func(v *codingv1.CodingCompleted) bool { return v.EncounterId == coded.EncounterId })
}

// imported is the claim that a visit came from, with the coverages that later claims of the visit told.
func imported(look es.Look, coded *codingv1.CodingCompleted) (*exchangev1.ClaimImported, error) {
	from := cmp.Or(coded.ImportId, coded.EncounterId)
	first, there := es.Find(look, ImportMirror, from)
	if !there {
		return nil, es.Wait(ImportMirror, from)
	}
	all := []*exchangev1.ClaimImported{first}
	told, _ := es.Find(look, ToldMirror, coded.EncounterId)
	for _, t := range told {
		later, there := es.Find(look, ImportMirror, t.ImportId)
		if !there {
			return nil, es.Wait(ImportMirror, t.ImportId)
		}
		all = append(all, later)
	}
	return content.Imported(coded, all), nil
}

// payersTold bills who is next after what was decided in another billing system, takes back what has not gone out to those who decided, and ends the claims to nobody whose payers are
// named now.
func payersTold(look es.Look, e *codingv1.VisitPayersTold, today string) ([]es.Command, error) {
	coded, there := es.Find(look, CodedMirror, e.EncounterId)
	if !there {
		return nil, es.Wait(CodedMirror, e.EncounterId)
	}
	var out []es.Command
	for _, p := range e.PriorAdjudications {
		unnamed := &intakev1.ResponsiblePayer{PayerId: edits.Unnamed, PayerSequence: p.PayerSequence}
		out = append(out, es.Do(Stream, ID(e.EncounterId, p.PayerSequence), DecidedBefore, e), es.Do(Stream, idOf(e.EncounterId, unnamed), DecidedBefore, e))
	}
	for _, p := range coded.ResponsiblePayers {
		out = append(out, named(coded, p)...)
	}
	if next := content.First(coded); next != nil && len(e.PriorAdjudications) > 0 {
		then, err := open(look, coded, next, Opening{IfLeft: true}, today)
		if err != nil {
			return nil, err
		}
		out = append(out, then...)
	}
	return out, nil
}

// authorizations adds the one whose units the visit has used, for this payer, and what others said. The one that the visit names always answers: that is waited for.
func authorizations(look es.Look, f *content.Facts, scrub *edits.Facts) error {
	named, encounter := f.Coded.AuthorizationId, f.Coded.EncounterId
	if named != "" {
		if _, there := es.Find(look, AnsweredMirror, answered(encounter, named)); !there {
			return es.Wait(AnsweredMirror, answered(encounter, named))
		}
	}
	units, _ := es.Find(look, UnitsMirror, encounter)
	asked := slices.Sorted(maps.Keys(units.Used))
	for _, id := range slices.Sorted(maps.Keys(units.Refused)) {
		if !slices.Contains(asked, id) {
			asked = append(asked, id)
		}
	}
	for _, id := range asked {
		a, approved := es.Find(look, AuthorizationMirror, id)
		if approved && a.PayerId != f.Payer.PayerId {
			continue // another payer's
		}
		covers := approved && units.covers(id)
		ledger, _ := es.Find(look, LedgerMirror, id)
		code := units.Code[id]
		scrub.Authorizations = append(scrub.Authorizations, edits.Authorization{
			ID: id, Number: a.GetAuthNo(), Covers: covers, Reasons: units.Refused[id], Codes: slices.Sorted(maps.Keys(a.GetUnitsByCode())), Code: code, Used: units.Used[id], Left: a.GetUnitsByCode()[code] - ledger.InUse[code],
		})
		if covers && f.Authorization == nil {
			f.Authorization = a
		}
	}
	return nil
}

func people(look es.Look, f *content.Facts) error {
	c, there := f.Coded, false
	if f.Patient, there = es.Find(look, PatientMirror, c.PatientId); !there {
		return es.Wait(PatientMirror, c.PatientId)
	}
	if f.Coverage, there = es.Find(look, CoverageMirror, f.Payer.CoverageId); !there {
		return es.Wait(CoverageMirror, f.Payer.CoverageId)
	}
	if f.Organization, there = es.Find(look, OrganizationMirror, c.OrganizationId); !there {
		return es.Wait(OrganizationMirror, c.OrganizationId)
	}
	if f.Location, there = es.Find(look, LocationMirror, c.LocationId); !there {
		return es.Wait(LocationMirror, c.LocationId)
	}
	if f.Rendering, there = es.Find(look, ClinicianMirror, c.RenderingClinicianId); !there {
		return es.Wait(ClinicianMirror, c.RenderingClinicianId)
	}
	if c.SupervisingClinicianId == "" {
		return nil
	}
	if f.Supervising, there = es.Find(look, ClinicianMirror, c.SupervisingClinicianId); !there {
		return es.Wait(ClinicianMirror, c.SupervisingClinicianId)
	}
	return nil
}

// earlier adds what the payers before this one decided, and the lines of the last one's claim where those were corrected.
func earlier(look es.Look, f *content.Facts) error {
	payments, _ := es.Find(look, PaymentMirror, f.Coded.EncounterId)
	for _, p := range f.Coded.ResponsiblePayers {
		if p.PayerSequence >= f.Payer.PayerSequence {
			continue
		}
		decided := decidedBy(f.Coded, payments, p.PayerSequence)
		if decided == nil {
			continue // the scrub says so
		}
		payer, _ := es.Find(look, PayerMirror, p.PayerId)
		if payer.Registered == nil {
			return es.Wait(PayerMirror, p.PayerId)
		}
		e := content.Earlier{Registered: payer.Registered, Decided: decided}
		if f.Import != nil {
			e.MemberID, e.Subscriber = content.ImportedSubscriber(f.Import, p.PayerSequence)
		} else {
			coverage, there := es.Find(look, CoverageMirror, p.CoverageId)
			if !there {
				return es.Wait(CoverageMirror, p.CoverageId)
			}
			e.MemberID, e.Subscriber = content.RegisteredSubscriber(coverage)
		}
		f.Earlier = append(f.Earlier, e)
		if v, corrected := es.Find(look, VersionMirror, idOf(f.Coded.EncounterId, p)); corrected {
			f.Lines = v.Content
		}
	}
	return nil
}

// onlyRefuses says whether a decision pays and leaves nothing beside one that does, which stands: so a payer answers a void that it does not do.
func onlyRefuses(e *postingv1.ClaimPaymentPosted, before []*postingv1.ClaimPaymentPosted) bool {
	nothing := func(p *postingv1.ClaimPaymentPosted) bool {
		return p.RemittanceClaim.PaidAmount == 0 && content.PatientShare(p.RemittanceClaim) == 0
	}
	return nothing(e) && slices.ContainsFunc(before, func(p *postingv1.ClaimPaymentPosted) bool { return !nothing(p) })
}

// decidedBy is a payer's decision that holds: the last posted one that was not taken back and refuses no copy or void, else what it decided in another billing system.
func decidedBy(coded *codingv1.CodingCompleted, payments []*postingv1.ClaimPaymentPosted, s typev1.PayerSequence) *pb.PriorPayer {
	holds := false
	for _, p := range payments {
		if p.PayerSequence == s && p.RemittanceClaim.GetStatusCode() != statusPreview && !p.DecisionStands {
			holds = !Reversal(p)
		}
	}
	for n, all := 0, inForce(payments, s, ""); holds && n < len(all); n++ {
		if last := len(all) - 1 - n; !copied(all[last], all[:last]) && !onlyRefuses(all[last], all[:last]) {
			return content.PriorPosted(all[last])
		}
	}
	n := slices.IndexFunc(coded.PriorAdjudications, func(a *codingv1.PriorAdjudication) bool { return a.PayerSequence == s })
	if n < 0 {
		return nil
	}
	return content.PriorImported(coded.PriorAdjudications[n])
}

func sent(e *exchangev1.InterchangeSent) []es.Command {
	var out []es.Command
	for _, c := range e.Claims {
		out = append(out, es.Do(Stream, c.ClaimId, Submitted, Going{Version: c.ClaimVersion, Date: e.SentDate, Source: &typev1.Source{
			InterchangeId: e.InterchangeId, FileSha256: e.FileSha256, InterchangeControlNumber: e.InterchangeControlNumber,
			GroupControlNumber: e.GroupControlNumber, SetControlNumber: c.SetControlNumber, Offset: c.Offset, Length: c.Length, Segment: "CLM",
		}}))
	}
	return out
}

// visitOf is the visit that a claim is for; it waits until both are known.
func visitOf(look es.Look, claimID string) (*codingv1.CodingCompleted, error) {
	encounterID, known := es.Find(look, EncounterMirror, claimID)
	if !known {
		return nil, es.Wait(EncounterMirror, claimID)
	}
	coded, known := es.Find(look, CodedMirror, encounterID)
	if !known {
		return nil, es.Wait(CodedMirror, encounterID)
	}
	return coded, nil
}

// unsent goes on with a claim whose version has not gone out.
func unsent(look es.Look, e *exchangev1.ClaimRecalled, today string) ([]es.Command, error) {
	coded, err := visitOf(look, e.ClaimId)
	if err != nil {
		return nil, err
	}
	for _, payer := range coded.ResponsiblePayers {
		if ID(coded.EncounterId, payer.PayerSequence) != e.ClaimId {
			continue
		}
		facts, scrub, err := Gather(look, coded, payer, today)
		if err != nil {
			return nil, err
		}
		return []es.Command{es.Do(Stream, e.ClaimId, Withdrawn, Unsent{Version: e.ClaimVersion, Again: Again{ClaimID: e.ClaimId, Fresh: content.Build(facts), Scrub: scrub}})}, nil
	}
	return nil, nil
}

// covered scrubs the held claims of a visit of which an authorization has said something.
func covered(look es.Look, encounterID, today string) ([]es.Command, error) {
	coded, there := es.Find(look, CodedMirror, encounterID)
	if !there {
		return nil, nil // the claim is made with what is known then, or see crossed
	}
	var out []es.Command
	for _, payer := range coded.ResponsiblePayers {
		facts, scrub, err := Gather(look, coded, payer, today)
		if err != nil {
			return nil, err
		}
		out = append(out, es.Do(Stream, facts.ClaimID, RescrubIfHeld, Again{ClaimID: facts.ClaimID, Fresh: content.Build(facts), Scrub: scrub}))
	}
	return out, nil
}

// crossed scrubs a new claim without an authorization number again: units may have been used for it while it was made, so that neither saw the other.
func crossed(look es.Look, e *pb.ClaimCreated, today string) ([]es.Command, error) {
	units, _ := es.Find(look, UnitsMirror, e.EncounterId)
	if e.Content.GetAuthorizationNumber() != "" || len(units.Used) == 0 {
		return nil, nil
	}
	return covered(look, e.EncounterId, today)
}

// follow takes the claims to later payers back with the first payer's.
func follow(look es.Look, e *pb.ClaimClosed, today string) ([]es.Command, error) {
	coded, err := visitOf(look, e.ClaimId)
	if err != nil {
		return nil, err
	}
	var out []es.Command
	for _, payer := range coded.ResponsiblePayers {
		facts, scrub, err := Gather(look, coded, payer, today)
		if err != nil {
			return nil, err
		}
		if facts.ClaimID != e.ClaimId {
			out = append(out, es.Do(Stream, facts.ClaimID, Follow, scrub))
		}
	}
	return out, nil
}

// posted tells the claim what its payer decided, and bills the next payer where something is left for it.
func posted(look es.Look, e *postingv1.ClaimPaymentPosted, today string) ([]es.Command, error) {
	coded, there := es.Find(look, CodedMirror, e.AccountId)
	if !there {
		return nil, es.Wait(CodedMirror, e.AccountId)
	}
	payments, _ := es.Find(look, PaymentMirror, e.AccountId)
	d := Decision{Posted: e, Others: inForce(payments, e.PayerSequence, remit(e.RemittanceId, e.RemittanceClaim.GetOrdinal()))}
	if Reversal(e) {
		d.Others = withoutReversed(d.Others, e)
	}
	var before, then []es.Command
	if e.RemittanceClaim.GetAnsweringPayerId() != "" { // it answers to what another payer sent it
		if n := slices.IndexFunc(coded.ResponsiblePayers, func(p *intakev1.ResponsiblePayer) bool { return p.PayerSequence == e.PayerSequence }); n >= 0 {
			var err error
			if before, err = crossOver(look, coded, coded.ResponsiblePayers[n], e, today); err != nil {
				return nil, err
			}
		}
	}
	if to := sentOnTo(coded, e); to != nil {
		var err error
		if then, err = crossOver(look, coded, to, e, today); err != nil {
			return nil, err
		}
	}
	if to := nextPayer(coded, e); to != nil {
		var err error
		if then, err = open(look, coded, to, Opening{RemittanceID: e.RemittanceId}, today); err != nil {
			return nil, err
		}
		d.Next = &Next{ClaimID: idOf(coded.EncounterId, to), PayerID: to.PayerId, Sequence: to.PayerSequence}
	}
	return slices.Concat(before, []es.Command{es.Do(Stream, e.ClaimId, Adjudicate, d)}, then), nil
}

// nextPayer is who is billed after a decision: the next payer, where this one left a rest to the patient, as its contract allows, and has not sent the claim on itself. Nil: nobody.
func nextPayer(coded *codingv1.CodingCompleted, e *postingv1.ClaimPaymentPosted) *intakev1.ResponsiblePayer {
	r := e.RemittanceClaim
	if r == nil || Reversal(e) || r.StatusCode == statusPreview || Forwarded(r) || content.PatientShare(r)-e.HeldShareAmount <= 0 {
		return nil
	}
	return content.Next(coded, e.PayerSequence)
}

// sentOnTo is who has the claim from the payer that decided: the next one, where a rest is left for it. Nil: nobody; a payer that calls the claim none of its own does not say whose it is.
func sentOnTo(coded *codingv1.CodingCompleted, e *postingv1.ClaimPaymentPosted) *intakev1.ResponsiblePayer {
	r := e.RemittanceClaim
	if r == nil || Reversal(e) || r.StatusCode == statusPreview || r.StatusCode == statusNotOurs || !Forwarded(r) || content.PatientShare(r)-e.HeldShareAmount <= 0 {
		return nil
	}
	return content.Next(coded, e.PayerSequence)
}
