package account

import (
	"slices"

	"google.golang.org/protobuf/proto"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// Coded is a coded visit, and what its price depends on.
type Coded struct {
	Visit *codingv1.CodingCompleted
	Price
}

// Price is what the contract's price depends on beside the lines.
type Price struct {
	Contracts []*registryv1.ContractPublished // of the first payer
	License   typev1.LicenseType              // of who rendered the service
}

// Charge books a visit, once. What earlier payers decided before the move is booked with it, so that the balance is what is really open.
func Charge(s State, c Coded) ([]es.Event, error) {
	v := c.Visit
	if s.Charge != nil {
		return nil, nil
	}
	var payers []Payer
	for _, p := range v.PriorAdjudications {
		payers = append(payers, Payer{p.PayerId, p.PayerSequence})
	}
	payers = inOrder(append(payers, Payers(nil, v.ResponsiblePayers)...))
	var first Payer // the patient
	if len(payers) > 0 {
		first = payers[0]
	}
	charged := &pb.ChargePosted{
		AccountId: v.EncounterId, EncounterId: v.EncounterId, PatientId: v.PatientId, LocationId: v.LocationId, RenderingClinicianId: v.RenderingClinicianId,
		ServiceDate: v.ServiceDate, Lines: v.Lines, ResponsiblePayers: v.ResponsiblePayers, Imported: v.Imported,
		Legs: chargeLegs(first, v.Lines), Expected: Expect(c.Contracts, c.License, v.Lines, v.ServiceDate), Source: v.Source,
	}
	for _, l := range v.Lines {
		charged.ChargeAmount += l.ChargeAmount
	}
	b := begin(s)
	b.add(charged)
	for _, p := range v.PriorAdjudications {
		b.prior(charged, payers, p)
	}
	return b.done(v.EncounterId, v.PatientId), nil
}

// Tell books what a later file of an imported visit tells of its payers: who is asked from now on, and what earlier ones decided before the move. What a payer has decided here too is
// not booked: somebody must look.
func Tell(s State, e *codingv1.VisitPayersTold) ([]es.Event, error) {
	b := begin(s)
	charged := proto.CloneOf(s.Charge)
	charged.ResponsiblePayers = e.ResponsiblePayers
	b.s.Charge = charged
	if !slices.EqualFunc(s.Charge.ResponsiblePayers, e.ResponsiblePayers, func(a, b *intakev1.ResponsiblePayer) bool { return proto.Equal(a, b) }) {
		b.add(&pb.PayersTold{
			AccountId: charged.AccountId, PatientId: charged.PatientId, ResponsiblePayers: e.ResponsiblePayers, Source: e.Source, Legs: b.renamed(s.Charge.ResponsiblePayers, e.ResponsiblePayers),
		})
	}
	payers := Payers(s.Prior, e.ResponsiblePayers)
	for _, p := range e.PriorAdjudications {
		payers = append(payers, Payer{p.PayerId, p.PayerSequence})
	}
	payers = inOrder(payers)
	for _, p := range e.PriorAdjudications {
		payer, why := Payer{p.PayerId, p.PayerSequence}, ""
		switch {
		case slices.ContainsFunc(s.Prior, func(known *pb.PriorAdjudicationPosted) bool {
			return Payer{known.PayerId, known.PayerSequence} == payer
		}):
			continue
		case s.Voided:
			why = "the charge was taken off"
		case slices.ContainsFunc(live(s), func(paid *Payment) bool { return paid.Payer == payer && decides(paid.Claim) }):
			why = "the payer has decided here too"
		}
		if why != "" {
			b.events = append(b.events, &pb.PriorAdjudicationHeld{
				AccountId: charged.AccountId, PatientId: charged.PatientId, PayerId: p.PayerId, PayerSequence: p.PayerSequence, PaidAmount: p.PaidAmount, Reason: why, Source: p.Source,
			})
			continue
		}
		b.prior(charged, payers, p)
	}
	b.follow(Advice{}, b.first().Sequence+1)
	return b.done(charged.AccountId, charged.PatientId), nil
}

// renamed moves what is open with a payer to the one that stands at its place now: a payer that no file had named is named.
func (b *book) renamed(before, now []*intakev1.ResponsiblePayer) []*typev1.Leg {
	var entry money.Entry
	for _, old := range before {
		for _, p := range now {
			if p.PayerSequence != old.PayerSequence || p.PayerId == old.PayerId {
				continue
			}
			for _, place := range b.places(Payer{old.PayerId, old.PayerSequence}) {
				entry.Debit(b.open[place], receivable(Place{Payer{p.PayerId, p.PayerSequence}, place.LineID})).Credit(b.open[place], receivable(place))
			}
		}
	}
	return entry.Legs()
}

// prior books one earlier payer's decision: what it paid and took off by agreement goes, what it refused stays with it, the rest moves to whoever comes next.
func (b *book) prior(v *pb.ChargePosted, payers []Payer, p *codingv1.PriorAdjudication) {
	payer := Payer{p.PayerId, p.PayerSequence}
	var next Payer // the patient
	if i := slices.Index(payers, payer); i+1 < len(payers) {
		next = payers[i+1]
	}
	posted := &pb.PriorAdjudicationPosted{
		AccountId: v.AccountId, PatientId: v.PatientId, ServiceDate: v.ServiceDate, PayerId: p.PayerId, PayerSequence: p.PayerSequence,
		PaidAmount: p.PaidAmount, Adjustments: slices.Clone(p.Adjustments), Source: p.Source,
	}
	told := map[string]*codingv1.PriorLine{}
	for _, l := range p.Lines {
		told[l.LineId] = l
	}
	var entry money.Entry
	book := func(from, to Place, paid, contractual, moved int64) {
		priorLegs(&entry, p.PayerId, told[from.LineID].GetSource(), from, to, paid, contractual, moved)
		if paid != 0 || contractual != 0 || moved != 0 {
			posted.Lines = append(posted.Lines, &pb.PriorPostedLine{LineId: from.LineID, PaidAmount: paid, ContractualAmount: contractual, MovedAmount: moved})
		}
	}
	single := len(v.Lines) == 1 && len(p.Lines) == 0 // what is told of the whole claim is told of its one line
	wholePaid, wholeOff := p.PaidAmount, contractual(p.Adjustments)
	whole := p.Adjustments
	var denied []*pb.PriorDenialRecorded
	refuse := func(lineID string, adjustments []*typev1.Adjustment, most int64) (sum int64) {
		for _, x := range adjustments {
			if amount := min(x.Amount, most-sum); refuses(x) && amount > 0 {
				sum += amount
				denied = append(denied, &pb.PriorDenialRecorded{
					AccountId: v.AccountId, PatientId: v.PatientId, PayerId: p.PayerId, PayerSequence: p.PayerSequence, LineId: lineID, GroupCode: x.GroupCode, Carc: x.Carc,
					Amount: amount, Source: x.Source, ServiceDate: v.ServiceDate,
				})
			}
		}
		return sum
	}
	for _, l := range v.Lines {
		from := Place{payer, l.LineId}
		paid, off := told[l.LineId].GetPaidAmount(), contractual(told[l.LineId].GetAdjustments())
		if single {
			paid, off, wholeOff = p.PaidAmount, wholeOff, 0
		}
		adjusted := told[l.LineId].GetAdjustments()
		if single {
			adjusted, whole = whole, nil
		}
		wholePaid -= paid
		posted.Adjustments = append(posted.Adjustments, told[l.LineId].GetAdjustments()...)
		open := b.open[from]
		off = min(off, max(open-paid, 0)) // a later payer repeats what an earlier one took off
		stays := refuse(l.LineId, adjusted, max(open-paid-off, 0))
		book(from, Place{next, l.LineId}, paid, off, open-paid-off-stays)
	}
	// What was told of the claim as a whole lessens what has moved on.
	wholeOff = min(wholeOff, max(0, b.owedAfter(entry, next)-wholePaid))
	if wholePaid != 0 || wholeOff != 0 {
		book(Place{Payer: next}, Place{Payer: next}, wholePaid, wholeOff, 0)
	}
	// What was refused of the claim as a whole stays with the payer.
	if stays := refuse("", whole, max(0, b.owedAfter(entry, next))); stays > 0 {
		book(Place{Payer: next}, Place{Payer: payer}, 0, 0, stays)
	}
	posted.Legs = entry.Legs()
	b.add(posted)
	for _, e := range denied {
		b.record(e)
	}
}

func (b *book) owedAfter(entry money.Entry, p Payer) int64 {
	owed := Owed(b.open, p)
	for _, l := range entry.Legs() {
		if place, ok := placeOf(l); ok && place.Payer == p {
			owed += l.Amount
		}
	}
	return owed
}

// contractual is what earlier payers took off by agreement, whatever the group but the patient's.
func contractual(adjustments []*typev1.Adjustment) (sum int64) {
	for _, a := range adjustments {
		if a.GroupCode != "PR" && effects[a.Carc].contractual {
			sum += a.Amount
		}
	}
	return sum
}

// Expect is what the contract in force on the day allows for each line. Of rates that fit, the one that names modifier and license wins over one that names the modifier, that
// over one that names the license, that over one for everybody; of contracts the one that began last, then the one told last.
func Expect(contracts []*registryv1.ContractPublished, license typev1.LicenseType, lines []*typev1.ServiceLine, day string) []*pb.ExpectedLine {
	contract := inForce(contracts, day)
	var out []*pb.ExpectedLine
	for _, l := range lines {
		var best *registryv1.ContractRate
		score := -1
		for _, r := range contract.GetRates() {
			fits := r.ServiceCode == l.ServiceCode && (r.Modifier == "" || slices.Contains(l.Modifiers, r.Modifier)) &&
				(r.LicenseType == typev1.LicenseType_LICENSE_TYPE_UNSPECIFIED || r.LicenseType == license)
			points := 0
			if r.Modifier != "" {
				points += 2
			}
			if r.LicenseType != typev1.LicenseType_LICENSE_TYPE_UNSPECIFIED {
				points++
			}
			if fits && points > score {
				best, score = r, points
			}
		}
		if best != nil {
			out = append(out, &pb.ExpectedLine{LineId: l.LineId, ContractId: contract.ContractId, AllowedAmount: (best.AllowedAmount*int64(l.UnitsThousandths) + 500) / 1000})
		}
	}
	return out
}

// inForce is the contract of a day; nil: none.
func inForce(contracts []*registryv1.ContractPublished, day string) (found *registryv1.ContractPublished) {
	for _, c := range contracts {
		if date.Within(day, c.FromDate, c.ThruDate) && (found == nil || c.FromDate >= found.FromDate) {
			found = c
		}
	}
	return found
}
