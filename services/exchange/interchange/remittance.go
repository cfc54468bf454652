package interchange

import (
	"fmt"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
)

// remittance reads an 835, balanced or not.
func (r *reader) remittance() {
	s, found := t835.Parse(r.set)
	if s == nil {
		return
	}
	m := s.Payment
	out := &pb.RemittanceRead{
		RemittanceId: es.Derive("rem", r.received.FileSha256, fmt.Sprint(r.ordinal)), InterchangeId: r.received.InterchangeId,
		PayerName: s.Payer.Name, PayerIdentifier: m.TraceOriginator, TraceNumber: m.Trace, PaymentAmount: m.Amount, PaymentMethod: m.Method,
		ProductionDate: day(s.Production), EffectiveDate: day(m.Effective), Source: r.source(m.Source, "BPR"),
		Findings: findings(append(found, t835.Check(s).Of(r.set)...)),
	}
	if m.Credit == "D" {
		out.PaymentAmount = -m.Amount
	}
	if out.PayerIdentifier == "" {
		out.PayerIdentifier = s.Payer.ID
	}
	if s.Payee.IDQualifier == "XX" {
		out.PayeeNpi = s.Payee.ID
	}
	named, may := r.payer(s)
	var asked []string // the payer of each claim of ours
	for n, c := range s.Claims() {
		claim, payerID := r.remittanceClaim(n+1, c, named, may)
		out.Claims, asked = append(out.Claims, claim), append(asked, payerID)
	}
	remitter(out, named, may, asked)
	for _, a := range s.ProviderAdjustments {
		out.ProviderAdjustments = append(out.ProviderAdjustments, &pb.ProviderAdjustment{
			ProviderIdentifier: a.ProviderID, FiscalYearEndDate: a.YearEnd, ReasonCode: a.Reason, Reference: a.Reference, Amount: a.Cents, Source: r.source(a.Source, "PLB"),
		})
	}
	out.Residuals = r.residuals(s)
	r.facts = append(r.facts, out)
}

func day(s string) string {
	if x12.ValidDate(s) {
		return s
	}
	return ""
}

// payer is ours by what the file calls it: its ids, then its name, where that means one payer alone; and all that any of these may mean.
func (r *reader) payer(s *t835.Set) (named string, may []string) {
	keys := []string{"id:" + capitals(s.Payer.Ref("2U")), "id:" + capitals(s.Payer.ID), "id:" + capitals(s.Payment.TraceOriginator)}
	if len(s.Payment.TraceOriginator) > 1 { // TRN03 is 1 and a tax id
		keys = append(keys, "id:"+capitals(s.Payment.TraceOriginator[1:]))
	}
	for _, key := range append(keys, "name:"+capitals(s.Payer.Name)) {
		if strings.HasSuffix(key, ":") {
			continue
		}
		ids, _ := es.Find(r.look, PayerMirror, key)
		if may = append(may, ids...); len(ids) == 1 && named == "" {
			named = ids[0]
		}
	}
	return named, may
}

// remitter says who answers: the payer that the file names, else the one that was asked. asked is the payer of each claim of ours. Clearinghouses name payers otherwise than the registry
// does, so a claim whose payer the file may mean is that payer's; one that was sent to another is answered by the payer named (a primary sends its claims on under the number it got).
func remitter(out *pb.RemittanceRead, named string, may, asked []string) {
	known := slices.DeleteFunc(slices.Clone(asked), func(id string) bool { return id == "" })
	out.PayerId = named
	if !slices.Contains(known, named) {
		n := slices.IndexFunc(known, func(id string) bool { return named == "" || slices.Contains(may, id) })
		if n >= 0 {
			out.PayerId = known[n]
		}
	}
	for i, id := range asked {
		if id != "" && named != "" && id != out.PayerId && !slices.Contains(may, id) {
			out.Claims[i].AnsweringPayerId = out.PayerId
		}
	}
}

func (r *reader) remittanceClaim(n int, c *t835.Claim, named string, may []string) (out *pb.RemittanceClaim, payerID string) {
	own, matchedBy := Ours{}, ByPriorNumber
	if _, ours := es.Find(r.look, ClaimMirror, "n:"+c.Number); !ours {
		own = r.before(c, named, may)
	}
	if own.ClaimID == "" {
		own, matchedBy = r.ours(c.Number, c.PayerClaimNumber)
	}
	out = &pb.RemittanceClaim{
		Ordinal: int32(n), ClaimId: own.ClaimID, PatientControlNumber: c.Number, StatusCode: c.Status, ChargeAmount: c.Charge, PaidAmount: c.Paid,
		PayerClaimControlNumber: c.PayerClaimNumber, OriginalClaimNumber: x12.FindRef(c.Refs, "F8"), Adjustments: r.adjustments(c.Adjustments), Rarc: c.Remarks(),
		ServiceDate: day(c.Service().From), MatchedBy: matchedBy, Source: r.source(c.CLP, "CLP"),
		ClaimVersion: own.Version,
	}
	if c.PatientResponsibility != nil {
		out.PatientResponsibilityAmount = *c.PatientResponsibility
	}
	if t := c.Name("TT"); t != nil {
		out.CrossoverPayerName = t.Name
	}
	out.InterestAmount, _ = x12.FindAmount(c.Amounts, "I")
	for i := range c.Lines {
		l := r.remittanceLine(i+1, &c.Lines[i])
		if out.ServiceDate == "" || l.ServiceDate != "" && l.ServiceDate < out.ServiceDate {
			out.ServiceDate = l.ServiceDate
		}
		out.Lines = append(out.Lines, l)
	}
	return out, own.PayerID
}

func (r *reader) remittanceLine(n int, l *t835.Line) *pb.RemittanceLine {
	out := &pb.RemittanceLine{
		Ordinal: int32(n), LineId: l.Control, ServiceCode: l.Procedure.Code, Modifiers: l.Procedure.Modifiers, ChargeAmount: l.Charge, PaidAmount: l.Paid,
		ServiceDate: day(l.Service().From), Adjustments: r.adjustments(l.Adjustments), Source: r.source(l.SVC, "SVC"),
	}
	if l.Original != nil {
		out.OriginalServiceCode = l.Original.Code
	}
	if l.Units != nil {
		out.UnitsThousandths = int32(*l.Units)
	}
	out.AllowedAmount, out.AllowedAmountTold = l.Allowed()
	for _, k := range l.Remarks {
		if k.List == "HE" {
			out.Rarc = append(out.Rarc, k.Code)
		}
	}
	return out
}

func (r *reader) adjustments(list []x12.Adjustment) []*typev1.Adjustment {
	var out []*typev1.Adjustment
	for _, a := range list {
		to := &typev1.Adjustment{GroupCode: a.Group, Carc: a.Reason, Amount: a.Cents, Source: r.source(a.Source, "CAS")}
		if a.Quantity != nil {
			to.QuantityThousandths = int32(*a.Quantity)
		}
		out = append(out, to)
	}
	return out
}

// residuals are the equations that fail, under the names and signs of posting's own reckoning.
func (r *reader) residuals(s *t835.Set) []*pb.Residual {
	var out []*pb.Residual
	for _, e := range t835.Unbalanced(t835.Balance(s)) {
		to := &pb.Residual{ResidualAmount: e.Cents, Subject: fmt.Sprintf("claim %d", e.Claim)}
		segment := "CLP"
		switch e.Equation {
		case t835.LinePaid:
			to.Equation, to.Subject, segment = "line", fmt.Sprintf("claim %d line %d", e.Claim, e.Line), "SVC"
		case t835.ClaimPaid:
			to.Equation = "claim"
		case t835.LineCharges:
			to.Equation, to.Subject = "claim_lines", to.Subject+" charge"
		case t835.LinesPaid:
			to.Equation = "claim_lines"
		case t835.PaymentSum:
			to.Equation, to.Subject, to.ResidualAmount, segment = "set", "payment", -e.Cents, "BPR"
		default: // a negative payment: said by its amount
			continue
		}
		to.Source = r.source(e.Source, segment)
		out = append(out, to)
	}
	return out
}
