package console

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

type claimPage struct {
	ID, Number string
	Axes       []fact
	Facts      []fact
	Person     []fact
	Held       []string
	Forms      []*form
	Lines      *table
	Denials    *table
	Edits      *table
	Earlier    *table
	Timeline   *table
	Account    string
}

func (c *console) claim(ctx context.Context, r *request) (*page, error) {
	x, err := c.claims.GetClaim(ctx, &claimsv1.GetClaimRequest{ClaimId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the claim: %w", err)
	}
	s := x.Summary
	account, err := c.posting.GetAccount(ctx, &postingv1.GetAccountRequest{AccountId: s.AccountId})
	if missing(err) {
		account, err = &postingv1.Account{}, nil // not charged yet
	}
	if err != nil {
		return nil, fmt.Errorf("read the account of the claim: %w", err)
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	to := r.to("/accounts/" + s.AccountId)
	d := &claimPage{ID: s.ClaimId, Number: s.PatientControlNumber, Account: to, Forms: r.claimForms(x)}
	d.Axes = []fact{{"Status", badge(s.Status.String())}, {"Way to the payer", badge(s.Transport.String())}, {"Decision", badge(s.Adjudication.String())}, {"Work", badge(s.Work.String())}}
	d.Facts = []fact{
		{"Payer", text(x.PayerName)}, {"Billed as", text(words(s.PayerSequence.String()))}, {"Date of service", day(s.ServiceDate)}, {"Location", text(n.location(s.LocationId))},
		{"Kind", text(words(s.FrequencyCode.String()) + ", version " + strconv.Itoa(int(s.ClaimVersion)))}, {"Sent", day(s.SubmittedDate)}, {"Filing limit", day(s.TimelyFilingDueDate)},
		{"Payer's claim number", orDash(s.PayerClaimControlNumber)}, {"Authorization", orDash(x.AuthorizationNumber)}, {"Clinician", text(provider(x.RenderingProvider))},
		{"Billing provider", text(provider(x.BillingProvider))}, {"Charged", amount(s.Charge, to)}, {"Paid by this payer", amount(s.Paid, to)},
		{"Patient's part", amount(s.PatientResponsibility, to)}, {"Denied and open", amount(s.Denied, "#denials")}, {"Account", id(s.AccountId, to)},
		{"Work items", link("Of this claim", r.to("/work-items", "claim", s.ClaimId, "state", "all"))},
	}
	if x.SupervisingProvider != nil {
		d.Facts = append(d.Facts, fact{"Supervisor", text(provider(x.SupervisingProvider))})
	}
	if p := x.Person; p != nil && r.may(seesPeople) {
		d.Person = []fact{
			{"Patient", link(person(p.PatientName), "/patients/"+s.PatientId)}, {"Born", day(p.PatientBirthDate)}, {"Subscriber", text(person(p.SubscriberName))}, {"Member ID", orDash(p.MemberId)},
			{codeSystem(p.DiagnosisCodeSystem), orDash(diagnoses(p.DiagnosisCodes))},
		}
	}
	for _, reason := range x.HoldReasons {
		why, _ := n.readable(reason.Message)
		d.Held = append(d.Held, why)
	}
	d.Lines = claimLines(x, account, to)
	d.Denials = &table{
		ID: "denials", Caption: "Open denials", Columns: []column{{Name: "Line"}, {Name: "Reason"}, {Name: "In words"}, {Name: "Caused in"}, {Name: "What to do"}, {Name: "Appeal by"}, {Name: "Remittance"}, {Name: "Denied", Num: true}},
		Empty: "Nothing is denied.",
	}
	for _, o := range x.OpenDenials {
		line := o.ServiceCode
		if o.LineId == "" {
			line = "Whole claim"
		}
		d.Denials.Rows = append(d.Denials.Rows, row{Cells: []cell{
			text(line), text(strings.Join(append([]string{o.GroupCode + "-" + o.Carc}, o.Rarc...), " ")), orDash(upper(o.Label)), text(words(o.Origin.String())), text(upper(o.DefaultAction)), day(o.AppealDueDate),
			id(o.RemittanceId, r.remittance(o.RemittanceId)), amount(o.Denied, to),
		}})
	}
	d.Edits = &table{
		ID: "edits", Caption: "Last check before sending", Note: "rules " + x.RulePack, Columns: []column{{Name: "What"}, {Name: "Field"}, {Name: "Rule"}, {Name: "Who can mend it"}, {Name: "Weight"}},
		Empty: "The claim passed every check.",
	}
	for _, e := range x.Edits {
		weight := badge("warning")
		if e.Blocking {
			weight = badge("blocking")
		}
		d.Edits.Rows = append(d.Edits.Rows, row{Cells: []cell{text(spelledIn(upper(e.Reason.GetMessage()))), text(e.Reason.GetField()), text(e.Reason.GetRuleId()), text(words(e.Reason.GetOwner())), weight}})
	}
	if len(x.EarlierPayers) > 0 {
		d.Earlier = &table{Caption: "What earlier payers decided", Columns: []column{{Name: "Payer"}, {Name: "Billed as"}, {Name: "Decided"}, {Name: "Paid", Num: true}, {Name: "Patient's part", Num: true}}}
		for _, p := range x.EarlierPayers {
			d.Earlier.Rows = append(d.Earlier.Rows, row{Cells: []cell{text(p.PayerName), text(words(p.PayerSequence.String())), day(p.AdjudicationDate), amount(p.Paid, to), amount(p.PatientResponsibility, to)}})
		}
	}
	var what []row
	for _, e := range x.Timeline {
		what = append(what, row{Cells: []cell{
			instant(e.RecordedAt.AsTime()), did(e.Type, r.to("/events/claims/claim/"+s.ClaimId, "event", e.EventId)), text(spelledIn(e.What)), whose(e.Actor), r.source(e.Source),
		}})
	}
	booked, err := c.happened(ctx, s.AccountId)
	if err != nil {
		return nil, err
	}
	d.Timeline = timeline(append(what, r.ofAccount(n, s.AccountId, chargeChanges(s.ClaimId, booked))...))
	return &page{Title: "Claim " + s.PatientControlNumber, Nav: "claims", Crumbs: []crumb{{"Claims", r.to("/claims")}}, Body: "claim", Data: d}, nil
}

// claimLines is the money of each line: what was charged is paid, adjusted, the patient's, or open. What a corrected or voided claim took off the account is told apart.
func claimLines(x *claimsv1.Claim, a *postingv1.Account, to string) *table {
	t := &table{ID: "lines", Caption: "Money by line", Empty: "The claim has no lines."}
	booked, billed, claimed := map[string]*postingv1.AccountLine{}, int64(0), int64(0)
	for _, l := range a.Lines {
		booked[l.LineId] = l
	}
	lines := x.Lines
	if booked[""] != nil {
		lines = append(slices.Clone(lines), &claimsv1.ClaimLine{})
	}
	for _, l := range lines {
		claimed, billed = claimed+l.Charge.GetAmountMinor(), billed+booked[l.LineId].GetCharge().GetAmountMinor()
	}
	off := a.AccountId != "" && claimed != billed
	t.Columns = []column{{Name: "Code"}, {Name: "Service"}, {Name: "Units", Num: true}, {Name: "Place of service"}, {Name: "Charged", Num: true}}
	switch {
	case a.AccountId == "":
		t.Note = "the visit is not charged yet"
	case off && billed == 0:
		t.Note = "the charge was taken off the account: the visit is billed no more"
	case off:
		t.Note = "charged less taken off = paid + adjusted + patient + open; of all payers"
	default:
		t.Note = "charged = paid + adjusted + patient + open; of all payers"
	}
	if off {
		t.Columns = append(t.Columns, column{Name: "Taken off", Num: true})
	}
	t.Columns = append(t.Columns, column{Name: "Expected", Num: true}, column{Name: "Paid", Num: true}, column{Name: "Adjusted", Num: true}, column{Name: "Patient", Num: true}, column{Name: "Open", Num: true}, column{Name: "Of it denied", Num: true})
	sums := make([]int64, len(t.Columns)-4)
	for _, l := range lines {
		b := booked[l.LineId]
		code := text(strings.Join(append([]string{l.ServiceCode}, l.Modifiers...), " "))
		code.Class = "id"
		cells := []cell{code, day(l.ServiceDate), units(l.UnitsThousandths), place(l.PlaceOfService, l.Modifiers...)}
		if l.LineId == "" {
			cells = []cell{text("Claim as a whole"), orDash(""), orDash(""), orDash("")}
		}
		charged := l.Charge.GetAmountMinor()
		amounts := []int64{charged}
		if off {
			amounts = append(amounts, charged-b.GetCharge().GetAmountMinor())
		}
		for _, m := range []*typev1.Money{b.GetExpected(), b.GetInsurancePaid(), b.GetAdjusted(), b.GetPatientShare(), b.GetInsuranceOpen(), b.GetDenied()} {
			amounts = append(amounts, m.GetAmountMinor())
		}
		for i, n := range amounts {
			sums[i] += n
			switch name := t.Columns[4+i].Name; {
			case name == "Expected" && b.GetExpected() == nil:
				cells = append(cells, cell{Text: "–", Class: "num zero", Title: "No price in a contract"})
			case name == "Of it denied":
				cells = append(cells, cents(n, "#denials"))
			default:
				cells = append(cells, cents(n, to))
			}
		}
		t.Rows = append(t.Rows, row{Cells: cells})
	}
	t.Foot = []cell{text("All lines"), {}, {}, {}}
	for _, n := range sums {
		t.Foot = append(t.Foot, cents(n, ""))
	}
	return t
}

// places are the places of service that our groups work at, in our own words.
var places = map[string]string{
	"02": "Video, not at home", "10": "Video, at home", "11": "Office", "12": "Home", "03": "School", "53": "Community mental health center", "50": "Health center", "22": "Hospital, outpatient",
	"21": "Hospital", "51": "Psychiatric hospital", "52": "Day hospital", "55": "Residential treatment", "57": "Substance use treatment", "99": "Other place",
}

// place is a place of service with what its code means; modifier 93 says that telehealth was by voice alone.
func place(code string, modifiers ...string) cell {
	where := places[code]
	if slices.Contains(modifiers, "93") {
		where = strings.Replace(where, "Video", "Audio only", 1)
	}
	c := orDash(strings.TrimSpace(code + " " + where))
	c.Class += " name"
	c.Title = c.Text
	return c
}

// codeSystem says which codes a claim's diagnoses are: claims of before October 2015 have ICD-9's.
func codeSystem(system string) string {
	if system == "9" {
		return "Diagnoses (ICD-9)"
	}
	return "Diagnoses (ICD-10)"
}

// diagnoses are ICD codes as people write them: F41.1, which files carry as F411.
func diagnoses(codes []string) string {
	var out []string
	for _, c := range codes {
		if len(c) > 3 && !strings.Contains(c, ".") {
			c = c[:3] + "." + c[3:]
		}
		out = append(out, c)
	}
	return strings.Join(out, ", ")
}

// units prints thousandths: 1000 is 1, 1500 is 1.5.
func units(thousandths int32) cell {
	s := strconv.Itoa(int(thousandths / 1000))
	if rest := thousandths % 1000; rest != 0 {
		s += strings.TrimRight(fmt.Sprintf(".%03d", rest), "0")
	}
	return cell{Text: s, Plain: s, Class: "num"}
}

func provider(p *claimsv1.Provider) string {
	if p == nil {
		return "–"
	}
	if p.OrganizationName != "" {
		return p.OrganizationName
	}
	return person(p.Name)
}

func person(n *typev1.PersonName) string {
	if n == nil {
		return "–"
	}
	return strings.Join(strings.Fields(n.First+" "+n.Middle+" "+n.Last+" "+n.Suffix), " ")
}

func orDash(s string) cell {
	if s == "" {
		return cell{Text: "–", Class: "zero"}
	}
	return text(s)
}

// actor is who did it: user:anna@example.org is anna@example.org, service:claims is the platform's claims.
func actor(s string) string {
	kind, name, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return s
	case kind == "service":
		return "Evenkeel (" + name + ")"
	case kind == "key":
		return "API key " + name
	}
	return name
}

// remittance is a link to one, for who may see them.
func (r *request) remittance(id string) string {
	if id == "" {
		return ""
	}
	return r.opens("/remittances/" + id)
}

// source is a link to the bytes that told a fact.
func (r *request) source(s *typev1.Source) cell {
	if s.GetInterchangeId() == "" {
		return cell{Text: "–", Class: "zero"}
	}
	name := s.Segment
	if name == "" {
		name = "file"
	}
	c := text(name + " at byte " + grouped(s.Offset))
	c.Class = "day"
	c.Plain = fmt.Sprintf("%s %d+%d", s.InterchangeId, s.Offset, s.Length)
	c.Href = r.opens(fileAt(s.InterchangeId, s.Offset, s.Length))
	return c
}

func fileAt(interchange string, offset, length int64) string {
	return fmt.Sprintf("/interchanges/%s?offset=%d&length=%d#hit", interchange, offset, length)
}
