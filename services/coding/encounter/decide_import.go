package encounter

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// A visit goes from payer to payer in several files, and files are sent twice. docs/decisions/0010 says how claims of one visit are recognized; here is what each does to it.
var (
	// SameVisit: claims with one number, of one patient, organization and first day of service, are one visit, and say the same services at the same prices.
	// Source: CLM01 is the sender's own number of the claim, the same to every payer (005010X222A1). Checked 2026-11-24.
	SameVisit = refuse.Rule{ID: "coding.same_visit", Version: 1, Owner: "billing"}
	// VoidElsewhere: a claim that the other system took back makes no visit, and takes none back here. Source: our own choice; a person decides whether it was voided before or after.
	VoidElsewhere = refuse.Rule{ID: "coding.void_elsewhere", Version: 1, Owner: "billing"}
	// SamePayer: a place in the order of payers has one payer. Source: our own choice; who pays is never guessed.
	SamePayer = refuse.Rule{ID: "coding.same_payer", Version: 1, Owner: "billing"}
	// SameDecision: a payer's decision is the same in every file that tells it. Source: our own choice.
	SameDecision = refuse.Rule{ID: "coding.same_decision", Version: 1, Owner: "billing"}
	// DayImported: each service was given on a day that the file says. Source: DTP*472 is required of each line (005010X222A1). Checked 2026-11-24.
	DayImported = refuse.Rule{ID: "coding.day_imported", Version: 1, Owner: "billing"}
	// ChargeImported: nothing is charged below zero. Source: 837p.charge; a charge is taken back by a void. Checked 2026-11-24.
	ChargeImported = refuse.Rule{ID: "coding.charge_imported", Version: 1, Owner: "billing"}
	// SamePatientPayment: what the patient paid of a visit in the other system is the same in every file that tells it. Source: AMT*F5 is the total of the claim (005010X222A1);
	// our own choice to add nothing up.
	SamePatientPayment = refuse.Rule{ID: "coding.same_patient_payment", Version: 1, Owner: "billing"}
)

// dayOrCharge is what no visit can be charged by: a line without a day that is one, or an amount below zero. Neither is ever guessed.
func dayOrCharge(e *exchangev1.ClaimImported) error {
	var no refuse.List
	no.If(e.ChargeAmount < 0, ChargeImported, "charge_amount", "the claim charges %s, which is below zero: send a claim of what is charged, and take nothing back by its price", money.Format(e.ChargeAmount))
	for i, l := range e.Lines {
		no.If(l.ServiceDate == "", DayImported, fmt.Sprintf("lines[%d].service_date", i), "line %d (%s) has no day of service that is a day: correct it where the claim comes from, and send it again", i+1, l.ServiceCode)
		no.If(l.ChargeAmount < 0, ChargeImported, fmt.Sprintf("lines[%d].charge_amount", i), "line %d (%s) charges %s, which is below zero", i+1, l.ServiceCode, money.Format(l.ChargeAmount))
	}
	return no.Err()
}

// frequencyVoid is CLM05-3 of a claim that is taken back.
const frequencyVoid = "8"

// Import records a visit with the charges it came with: they were billed, so no rule changes them. A later claim of the same visit changes nothing, or tells more of its payers, or is
// held where it says something else; it never makes a second charge.
func Import(s State, e *exchangev1.ClaimImported) ([]es.Event, error) {
	if s.Received != nil || s.Completed && s.Imported == nil || s.Imports[e.ImportId] {
		return nil, nil
	}
	if s.Imported == nil {
		if e.FrequencyCode == frequencyVoid {
			return held(s, e, refuse.Because(VoidElsewhere, "frequency_code", "the other system took this claim back, and the visit is not here: nothing is charged"))
		}
		if why := dayOrCharge(e); why != nil {
			return held(s, e, why)
		}
		return []es.Event{&pb.CodingCompleted{
			EncounterId: e.EncounterId, PatientId: e.PatientId, OrganizationId: e.OrganizationId, LocationId: e.LocationId,
			RenderingClinicianId: e.RenderingClinicianId, SupervisingClinicianId: e.SupervisingClinicianId, ServiceDate: e.ServiceDate,
			Lines: e.Lines, ChargeAmount: e.ChargeAmount, ResponsiblePayers: importedPayers(e), AuthNo: e.AuthorizationNumber, Imported: true,
			DiagnosisCodes: e.Person.GetDiagnosisCodes(), DiagnosisCodeSystem: e.Person.GetDiagnosisCodeSystem(), PriorClaimNumber: e.PriorClaimNumber,
			RenderingTaxonomy: e.RenderingProvider.GetTaxonomy(), PriorAdjudications: priors(e), ImportId: e.ImportId, Source: e.Source,
			PatientPaidAmount: max(e.PatientPaidAmount, 0),
		}}, nil
	}
	var no refuse.List
	no.If(e.FrequencyCode == frequencyVoid, VoidElsewhere, "frequency_code", "the other system took this claim back: void the claim here if the visit is billed no more")
	lineIDs, same := sameLines(s.Imported.Lines, e.Lines)
	no.If(!same && e.ChargeAmount != s.Imported.ChargeAmount, SameVisit, "lines", "%s are charged, %s for the visit that is here: correct its claim if these services are the right ones",
		money.Format(e.ChargeAmount), money.Format(s.Imported.ChargeAmount))
	no.If(!same && e.ChargeAmount == s.Imported.ChargeAmount, SameVisit, "lines", "%s are charged as for the visit that is here, for other services, days or units: correct its claim if these are the right ones",
		money.Format(e.ChargeAmount))
	payers := laterPayers(&no, s, e)
	decided := newDecisions(&no, s, e, lineIDs)
	paid := max(e.PatientPaidAmount, 0)
	no.If(paid != 0 && s.PatientPaid != 0 && paid != s.PatientPaid, SamePatientPayment, "patient_paid_amount", "the patient paid %s by this file and %s by the one before: record the difference as a payment if it is right",
		money.Format(paid), money.Format(s.PatientPaid))
	if s.PatientPaid != 0 {
		paid = 0 // known
	}
	if no.Any() {
		return held(s, e, no.Err())
	}
	if len(decided) == 0 && paid == 0 && slices.EqualFunc(payers, s.Payers, func(a, b *intakev1.ResponsiblePayer) bool { return proto.Equal(a, b) }) {
		return nil, nil
	}
	return []es.Event{&pb.VisitPayersTold{
		EncounterId: e.EncounterId, PatientId: s.Imported.PatientId, ImportId: e.ImportId, ResponsiblePayers: payers, PriorAdjudications: decided, Source: e.Source,
		PatientPaidAmount: paid,
	}}, nil
}

func held(s State, e *exchangev1.ClaimImported, why error) ([]es.Event, error) {
	return []es.Event{&pb.ImportHeld{
		EncounterId: e.EncounterId, PatientId: cmp.Or(s.Imported.GetPatientId(), e.PatientId), ImportId: e.ImportId, PatientControlNumber: e.PriorClaimNumber,
		ChargeAmount: e.ChargeAmount, Reasons: refuse.Reasons(why), Source: e.Source, VisitChargeAmount: s.Imported.GetChargeAmount(),
	}}, nil
}

// sameLines gives the visit's id for each line of the claim, and says whether they are the same services at the same prices, in whatever order.
func sameLines(ours, theirs []*typev1.ServiceLine) (ids map[string]string, same bool) {
	ids = map[string]string{}
	left := slices.Clone(ours)
	for _, t := range theirs {
		n := slices.IndexFunc(left, func(o *typev1.ServiceLine) bool {
			return o.ServiceCode == t.ServiceCode && slices.Equal(o.Modifiers, t.Modifiers) && o.ChargeAmount == t.ChargeAmount && o.UnitsThousandths == t.UnitsThousandths &&
				o.ServiceDate == t.ServiceDate && o.ServiceThruDate == t.ServiceThruDate
		})
		if n < 0 {
			return ids, false
		}
		ids[t.LineId] = left[n].LineId
		left = slices.Delete(left, n, n+1)
	}
	return ids, len(left) == 0
}

// unnamed is the payer of a coverage in whose loop the file names none. Exchange calls every payer after what the file calls it.
var unnamed = es.Derive("pay", "UNNAMED")

// laterPayers are the payers of the visit with those that the claim adds. A payer that was not named before is named now.
func laterPayers(no *refuse.List, s State, e *exchangev1.ClaimImported) []*intakev1.ResponsiblePayer {
	out := slices.Clone(s.Payers)
	decided := priors(e)
	for _, p := range importedPayers(e) {
		n := slices.IndexFunc(out, func(o *intakev1.ResponsiblePayer) bool { return o.PayerSequence == p.PayerSequence })
		switch {
		case n < 0:
			asked := slices.ContainsFunc(s.Payers, func(o *intakev1.ResponsiblePayer) bool { return o.PayerSequence > p.PayerSequence })
			no.If(asked && decisionOf(decided, p.PayerSequence) == nil, SamePayer, "coverages", "payer number %d is new and has not decided, and a later one was asked already", p.PayerSequence)
			out = append(out, p)
		case out[n].PayerId == unnamed && s.Decided(p.PayerSequence) == nil:
			out[n] = p
		default:
			no.If(p.PayerId != out[n].PayerId && p.PayerId != unnamed, SamePayer, "coverages", "payer number %d is another one than the visit's: correct the coverages", p.PayerSequence)
		}
	}
	slices.SortStableFunc(out, func(a, b *intakev1.ResponsiblePayer) int { return cmp.Compare(a.PayerSequence, b.PayerSequence) })
	return out
}

// newDecisions are what earlier payers decided and the visit does not know yet, of its own lines.
func newDecisions(no *refuse.List, s State, e *exchangev1.ClaimImported, lineIDs map[string]string) []*pb.PriorAdjudication {
	var out []*pb.PriorAdjudication
	for _, p := range priors(e) {
		p = proto.CloneOf(p)
		for _, l := range p.Lines {
			l.LineId = lineIDs[l.LineId]
		}
		slices.SortStableFunc(p.Lines, func(a, b *pb.PriorLine) int { return cmp.Compare(a.LineId, b.LineId) })
		known := s.Decided(p.PayerSequence)
		if known == nil {
			out = append(out, p)
			continue
		}
		silent := p.PaidAmount == 0 && len(p.Lines) == 0 && len(p.Adjustments) == 0
		no.If(!silent && !sameDecision(known, p), SameDecision, "prior_adjudications", "payer number %d paid %s here and %s there, or took off something else: find out which is right",
			p.PayerSequence, money.Format(known.PaidAmount), money.Format(p.PaidAmount))
	}
	return out
}

// sameDecision compares what was decided, not where it is told.
func sameDecision(a, b *pb.PriorAdjudication) bool {
	bare := func(p *pb.PriorAdjudication) *pb.PriorAdjudication {
		p = proto.CloneOf(p)
		p.Source = nil
		for _, x := range p.Adjustments {
			x.Source = nil
		}
		for _, l := range p.Lines {
			l.Source = nil
			for _, x := range l.Adjustments {
				x.Source = nil
			}
		}
		slices.SortStableFunc(p.Lines, func(a, b *pb.PriorLine) int { return cmp.Compare(a.LineId, b.LineId) })
		return p
	}
	return proto.Equal(bare(a), bare(b))
}

func decisionOf(all []*pb.PriorAdjudication, s typev1.PayerSequence) *pb.PriorAdjudication {
	for _, p := range all {
		if p.PayerSequence == s {
			return p
		}
	}
	return nil
}
