package ack

import (
	"fmt"
	"log/slog"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Version277CA is GS08 and ST03 of the 277CA we write.
const Version277CA = "005010X214"

// ClaimAnswers is one 277CA: what a payer or a clearinghouse made of a batch of claims before deciding on any.
type ClaimAnswers struct {
	Control   string     `json:"control"`
	Version   string     `json:"version,omitempty"`   // ST03; empty when writing takes Version277CA
	Reference string     `json:"reference"`           // BHT03
	Date      string     `json:"date"`                // BHT04
	Time      string     `json:"time,omitempty"`      // BHT05
	Source    x12.Party  `json:"source"`              // 2100A: PR payer, or AY clearinghouse
	Trace     string     `json:"trace"`               // 2200A TRN*1
	Received  string     `json:"received,omitempty"`  // DTP*050
	Processed string     `json:"processed,omitempty"` // DTP*009
	Receivers []Receiver `json:"receivers"`
	Other     []x12.Raw  `json:"other,omitempty"`
	Bytes     x12.Source `json:"bytes,omitzero"`
}

// Totals count claims and charges accepted and rejected; nil when not given.
type Totals struct {
	AcceptedClaims *int64 `json:"accepted_claims,omitempty"` // QTY, whole claims
	RejectedClaims *int64 `json:"rejected_claims,omitempty"`
	AcceptedCharge *int64 `json:"accepted_charge,omitempty"` // AMT*YU, cents
	RejectedCharge *int64 `json:"rejected_charge,omitempty"` // AMT*YY, cents
}

// Receiver is 2000B: who sent the claims.
type Receiver struct {
	Party     x12.Party     `json:"party"`           // NM1*41
	Trace     string        `json:"trace,omitempty"` // 2200B TRN*2, the BHT03 of the 837
	Statuses  []ClaimStatus `json:"statuses,omitempty"`
	Totals    Totals        `json:"totals,omitzero"` // QTY*90 and AA
	Providers []Provider    `json:"providers,omitempty"`
	Other     []x12.Raw     `json:"other,omitempty"`
}

// Provider is 2000C: whose claims they are. Its own answer, 2200C, is often missing.
type Provider struct {
	Party    x12.Party     `json:"party"`           // NM1*85
	Trace    string        `json:"trace,omitempty"` // 2200C TRN*1
	Statuses []ClaimStatus `json:"statuses,omitempty"`
	Totals   Totals        `json:"totals,omitzero"` // QTY*QA and QC
	Claims   []Claim       `json:"claims,omitempty"`
	Other    []x12.Raw     `json:"other,omitempty"`
}

// Claim is 2000D: one claim.
type Claim struct {
	Patient          x12.Party     `json:"patient"` // NM1*QC
	Number           string        `json:"number"`  // 2200D TRN*2, our CLM01
	Statuses         []ClaimStatus `json:"statuses"`
	PayerClaimNumber string        `json:"payer_claim_number,omitempty"` // REF*1K
	Refs             []x12.Ref     `json:"refs,omitempty"`               // D9 clearinghouse, BLT type of bill
	Service          x12.Dates     `json:"service,omitzero"`             // DTP*472
	Lines            []ClaimLine   `json:"lines,omitempty"`
	Other            []x12.Raw     `json:"other,omitempty"`
	Segment          int           `json:"segment,omitempty"` // ordinal of its HL
	Bytes            x12.Source    `json:"bytes,omitzero"`    // the whole 2000D
}

// LogValue keeps PHI out of logs.
func (c Claim) LogValue() slog.Value { return slog.StringValue("[phi]") }

// Accepted says that no status of the claim or its lines turns it away.
func (c Claim) Accepted() bool {
	all := c.Statuses
	for _, l := range c.Lines {
		all = append(all[:len(all):len(all)], l.Statuses...)
	}
	return len(all) > 0 && !rejects(all)
}

func rejects(statuses []ClaimStatus) bool {
	for _, s := range statuses {
		if s.Action == "U" {
			return true
		}
		for _, r := range s.Reasons {
			switch r.Category {
			case "A3", "A4", "A6", "A7", "A8", "E0", "E1", "E2", "E3", "E4", "D0":
				return true
			}
		}
	}
	return false
}

// ClaimLine is 2220D.
type ClaimLine struct {
	Procedure x12.Procedure `json:"procedure"`
	Charge    int64         `json:"charge"`
	Revenue   string        `json:"revenue,omitempty"`
	Units     *int64        `json:"units,omitempty"` // thousandths
	Statuses  []ClaimStatus `json:"statuses,omitempty"`
	Control   string        `json:"control,omitempty"` // REF*FJ, our line number
	Refs      []x12.Ref     `json:"refs,omitempty"`
	Service   x12.Dates     `json:"service,omitzero"`
	Other     []x12.Raw     `json:"other,omitempty"`
}

// ClaimStatus is STC: up to three reasons.
type ClaimStatus struct {
	Reasons []Reason   `json:"reasons"`          // STC01, 10, 11
	Date    string     `json:"date,omitempty"`   // STC02
	Action  string     `json:"action,omitempty"` // STC03: WQ accepted, U rejected
	Charge  *int64     `json:"charge,omitempty"` // STC04, cents
	Text    string     `json:"text,omitempty"`   // STC12
	Segment int        `json:"segment,omitempty"`
	Bytes   x12.Source `json:"bytes,omitzero"`
}

// Reason is one composite of a STC.
type Reason struct {
	Category string `json:"category"`
	Code     string `json:"code"`
	Entity   string `json:"entity,omitempty"` // whose data it is about: 85, IL, PR …
	List     string `json:"list,omitempty"`
}

// Claims are all claims of the set, in order.
func (a *ClaimAnswers) Claims() []*Claim {
	var all []*Claim
	for i := range a.Receivers {
		for j := range a.Receivers[i].Providers {
			claims := a.Receivers[i].Providers[j].Claims
			for k := range claims {
				all = append(all, &claims[k])
			}
		}
	}
	return all
}

// Parse277CA reads a 277CA. A set of another kind gives nil and one error that names the kind.
func Parse277CA(set *x12.Set) (*ClaimAnswers, x12.Diagnostics) {
	p := &parser{walk.New(set)}
	if !p.Kind(x12.K277CA) {
		return nil, p.Found
	}
	a := &ClaimAnswers{Control: set.Control, Version: set.Version, Bytes: set.Source}
	p.Loop = "header"
	if p.Is("BHT") {
		b := p.Next()
		p.NeedCode(b, 1, "0085")
		p.NeedCode(b, 2, "08")
		a.Reference, a.Date, a.Time = p.Need(b, 3), p.Date(b, 4), p.Time(b, 5)
		p.NeedCode(b, 6, "TH")
	} else {
		p.Missing(x12.SegmentRequired, "header", "BHT", "a 277CA begins with BHT")
	}
	for p.More() {
		if !p.Is("HL") {
			a.Other = append(a.Other, p.Unexpected("a level begins with HL"))
			continue
		}
		p.answer(a)
	}
	if a.Source.Role == "" {
		p.Missing(x12.LoopRequired, "2100A", "NM1", "the source, NM1*PR or NM1*AY, is missing")
	}
	if len(a.Receivers) == 0 {
		p.Missing(x12.LoopRequired, "2000B", "HL", "the receiver, HL with HL03 21, is missing")
	}
	return a, p.Done()
}

type parser struct{ *walk.Cursor }

var (
	parents = map[string]string{"20": "", "21": "20", "19": "21", "PT": "19"}
	loops   = map[string]string{"20": "2000A", "21": "2000B", "19": "2000C", "PT": "2000D"}
)

func (p *parser) answer(a *ClaimAnswers) {
	p.Loop = loops[p.Peek().At(3)]
	hl := p.Level(parents)
	switch hl.At(3) {
	case "20":
		p.source(a)
	case "21":
		a.Receivers = append(a.Receivers, Receiver{})
		p.receiver(&a.Receivers[len(a.Receivers)-1])
	case "19":
		if len(a.Receivers) == 0 {
			p.Lost(hl, "a provider stands before any receiver")
			return
		}
		r := &a.Receivers[len(a.Receivers)-1]
		r.Providers = append(r.Providers, Provider{})
		p.provider(&r.Providers[len(r.Providers)-1])
	case "PT":
		if len(a.Receivers) == 0 || len(a.Receivers[len(a.Receivers)-1].Providers) == 0 {
			p.Lost(hl, "a claim stands before any provider")
			return
		}
		r := &a.Receivers[len(a.Receivers)-1]
		v := &r.Providers[len(r.Providers)-1]
		v.Claims = append(v.Claims, Claim{Segment: hl.Ordinal, Bytes: hl.Source})
		p.claim(&v.Claims[len(v.Claims)-1])
	default:
		p.Lost(hl, "HL03 must be 20, 21, 19 or PT")
	}
}

func (p *parser) party() x12.Party {
	party := p.Name()
	p.Describe(&party, "N2", "N3", "N4", "PER")
	return party
}

func (p *parser) trace() string {
	seg := p.Next()
	p.NeedCode(seg, 1, "1", "2")
	p.Only(seg, 2)
	return p.Need(seg, 2)
}

func (p *parser) source(a *ClaimAnswers) {
	for p.More() && !p.Is("HL") {
		switch {
		case p.Is("NM1"):
			a.Source = p.party()
		case p.Is("TRN"):
			a.Trace = p.trace()
		case p.Is("DTP", "050"):
			seg := p.Next()
			d, _ := p.Dates(seg)
			a.Received = d.From
		case p.Is("DTP", "009"):
			seg := p.Next()
			d, _ := p.Dates(seg)
			a.Processed = d.From
		default:
			a.Other = append(a.Other, p.Unexpected("source"))
		}
	}
}

// total takes a QTY or AMT of totals; false when it is another one.
func (p *parser) total(t *Totals, accepted, rejected string) bool {
	switch {
	case p.Is("QTY", accepted):
		t.AcceptedClaims = p.claims()
	case p.Is("QTY", rejected):
		t.RejectedClaims = p.claims()
	case p.Is("AMT", "YU"):
		t.AcceptedCharge = p.MaybeCents(p.Next(), 2)
	case p.Is("AMT", "YY"):
		t.RejectedCharge = p.MaybeCents(p.Next(), 2)
	default:
		return false
	}
	return true
}

func (p *parser) claims() *int64 {
	n := int64(p.Number(p.Next(), 2, 0))
	return &n
}

func (p *parser) receiver(r *Receiver) {
	for p.More() && !p.Is("HL") {
		switch {
		case p.total(&r.Totals, "90", "AA"):
		case p.Is("NM1"):
			r.Party = p.party()
		case p.Is("TRN"):
			r.Trace = p.trace()
		case p.Is("STC"):
			r.Statuses = append(r.Statuses, p.status())
		default:
			r.Other = append(r.Other, p.Unexpected("receiver"))
		}
	}
}

func (p *parser) provider(v *Provider) {
	for p.More() && !p.Is("HL") {
		switch {
		case p.total(&v.Totals, "QA", "QC"):
		case p.Is("NM1"):
			v.Party = p.party()
		case p.Is("TRN"):
			v.Trace = p.trace()
		case p.Is("STC"):
			v.Statuses = append(v.Statuses, p.status())
		case p.Is("REF"):
			v.Other = append(v.Other, p.Next().Raw())
		default:
			v.Other = append(v.Other, p.Unexpected("provider"))
		}
	}
}

func (p *parser) status() ClaimStatus {
	seg := p.Next()
	s := ClaimStatus{
		Date: p.Date(seg, 2), Action: p.Code(seg, 3, "WQ", "U"), Charge: p.MaybeCents(seg, 4), Text: seg.At(12), Segment: seg.Ordinal, Bytes: seg.Source,
	}
	for _, e := range []int{1, 10, 11} {
		if seg.At(e) == "" && e != 1 {
			continue
		}
		p.Composite(seg, e, 2)
		parts := append(seg.Components(e), "", "", "", "")
		s.Reasons = append(s.Reasons, Reason{parts[0], parts[1], parts[2], parts[3]})
	}
	for e := 5; e <= 9; e++ {
		if seg.At(e) != "" {
			p.At(x12.ElementUnread, seg, e, "STC%02d isn't used in a 277CA: it stays in the file only", e)
		}
	}
	p.Only(seg, 12)
	return s
}

func (p *parser) claim(c *Claim) {
	for p.More() && !p.Is("HL") {
		switch {
		case p.Is("NM1"):
			c.Patient = p.party()
		case p.Is("TRN"):
			p.Loop = "2200D"
			c.Number = p.trace()
		case p.Is("STC"):
			c.Statuses = append(c.Statuses, p.status())
		case p.Is("REF"):
			seg := p.Next()
			switch r, ok := p.Ref(seg); {
			case !ok:
				c.Other = append(c.Other, seg.Raw())
			case r.Qualifier == "1K" && r.Description == "" && c.PayerClaimNumber == "":
				c.PayerClaimNumber = r.Value
			default:
				c.Refs = append(c.Refs, r)
			}
		case p.Is("DTP", "472"):
			seg := p.Next()
			if d, ok := p.Dates(seg); ok {
				c.Service = d
			} else {
				c.Other = append(c.Other, seg.Raw())
			}
		case p.Is("SVC"):
			p.Loop = "2220D"
			c.Lines = append(c.Lines, p.line())
		default:
			c.Other = append(c.Other, p.Unexpected("claim"))
		}
	}
	c.Bytes = c.Bytes.To(p.Last().Source)
	if c.Number == "" {
		p.Missing(x12.SegmentRequired, "2200D", "TRN", "an answer to a claim needs TRN*2, the claim's number")
	}
	if len(c.Statuses) == 0 {
		p.Missing(x12.SegmentRequired, "2200D", "STC", "an answer to a claim needs a status, STC")
	}
}

func (p *parser) line() ClaimLine {
	svc := p.Next()
	l := ClaimLine{Procedure: p.Procedure(svc, 1), Charge: p.Cents(svc, 2), Revenue: svc.At(4), Units: p.Quantity(svc, 7)}
	p.Only(svc, 7)
	for p.More() && !p.Is("HL") && !p.Is("SVC") {
		switch {
		case p.Is("STC"):
			l.Statuses = append(l.Statuses, p.status())
		case p.Is("REF"):
			seg := p.Next()
			switch r, ok := p.Ref(seg); {
			case !ok:
				l.Other = append(l.Other, seg.Raw())
			case r.Qualifier == "FJ" && r.Description == "" && l.Control == "":
				l.Control = r.Value
			default:
				l.Refs = append(l.Refs, r)
			}
		case p.Is("DTP", "472"):
			seg := p.Next()
			if d, ok := p.Dates(seg); ok {
				l.Service = d
			} else {
				l.Other = append(l.Other, seg.Raw())
			}
		default:
			l.Other = append(l.Other, p.Unexpected("line"))
		}
	}
	return l
}

// Written277CA is an interchange of 277CAs as it may be sent.
type Written277CA struct {
	Bytes  []byte
	Claims []ClaimRange
}

// ClaimRange says where the answer to a claim stands in the bytes.
type ClaimRange struct {
	Number string
	Bytes  x12.Source // the whole 2000D
}

// Write277CA makes one interchange. The error is *x12.Invalid, inside, with all problems.
func Write277CA(env x12.Envelope, answers ...*ClaimAnswers) (*Written277CA, error) {
	w := &claimWriter{Writer: walk.NewWriter(env, "BHT", "HL", "NM1", "TRN", "SVC")}
	for _, a := range answers {
		w.set(a)
	}
	data, _, err := w.Close()
	if err != nil {
		return nil, fmt.Errorf("write 277CA: %w", err)
	}
	if _, err := walk.ReadBack(data, func(set *x12.Set) x12.Diagnostics { _, found := Parse277CA(set); return found }); err != nil {
		return nil, fmt.Errorf("write 277CA: %w", err)
	}
	return &Written277CA{data, w.claims}, nil
}

type claimWriter struct {
	*walk.Writer
	claims []ClaimRange
}

func (w *claimWriter) party(p x12.Party) { w.Segs(walk.PartySegments(p, "N2 N3 N4 PER")...) }

func (w *claimWriter) set(a *ClaimAnswers) {
	version := a.Version
	if version == "" {
		version = Version277CA
	}
	w.BeginSet("277", a.Control, version, true)
	w.Put(x12.Seg("BHT", "0085", "08", a.Reference, x12.FormatDate(a.Date), a.Time, "TH"))
	source := w.Level(0, "20", len(a.Receivers) > 0)
	w.party(a.Source)
	w.Put(x12.Seg("TRN", "1", a.Trace))
	w.Segs(walk.OneDay("050", a.Received)...)
	w.Segs(walk.OneDay("009", a.Processed)...)
	w.Segs(w.Kept("2200A", a.Other)...)
	for _, r := range a.Receivers {
		receiver := w.Level(source, "21", len(r.Providers) > 0)
		w.party(r.Party)
		if r.Trace != "" {
			w.Put(x12.Seg("TRN", "2", r.Trace))
		}
		w.statuses(r.Statuses)
		w.totals(r.Totals, "90", "AA")
		w.Segs(w.Kept("2200B", r.Other)...)
		for _, v := range r.Providers {
			provider := w.Level(receiver, "19", len(v.Claims) > 0)
			w.party(v.Party)
			if v.Trace != "" {
				w.Put(x12.Seg("TRN", "1", v.Trace))
			}
			w.statuses(v.Statuses)
			w.Segs(w.Kept("2200C", v.Other)...)
			w.totals(v.Totals, "QA", "QC")
			for i := range v.Claims {
				w.claim(provider, &v.Claims[i])
			}
		}
	}
	w.EndSet()
}

func (w *claimWriter) totals(t Totals, accepted, rejected string) {
	for _, q := range []struct {
		qualifier string
		n         *int64
	}{{accepted, t.AcceptedClaims}, {rejected, t.RejectedClaims}} {
		if q.n != nil {
			w.Put(x12.Seg("QTY", q.qualifier, fmt.Sprint(*q.n)))
		}
	}
	w.Segs(walk.OneAmount("YU", t.AcceptedCharge)...)
	w.Segs(walk.OneAmount("YY", t.RejectedCharge)...)
}

func (w *claimWriter) statuses(statuses []ClaimStatus) {
	for _, s := range statuses {
		if n := len(s.Reasons); n < 1 || n > 3 {
			w.Problem(x12.ElementRequired, "", "STC", 1, "a status has one to three reasons")
			continue
		}
		reasons := make([][]string, 3)
		for i, r := range s.Reasons {
			reasons[i] = []string{r.Category, r.Code, r.Entity, r.List}
		}
		w.Put(x12.Seg("STC").Composite(reasons[0]...).Add(x12.FormatDate(s.Date), s.Action, walk.MaybeMoney(s.Charge), "", "", "", "", "").
			Composite(reasons[1]...).Composite(reasons[2]...).Add(s.Text))
	}
}

func (w *claimWriter) claim(parent int, c *Claim) {
	start := w.Offset()
	w.Level(parent, "PT", false)
	w.party(c.Patient)
	w.Put(x12.Seg("TRN", "2", c.Number))
	w.statuses(c.Statuses)
	w.Segs(walk.OneRef("1K", c.PayerClaimNumber)...)
	w.Segs(walk.RefSegments(c.Refs)...)
	if c.Service.From != "" {
		w.Put(walk.DatesSegment("472", c.Service))
	}
	w.Segs(w.Kept("2200D", c.Other)...)
	for _, l := range c.Lines {
		w.Put(x12.Seg("SVC").Composite(walk.ProcedureComponents(l.Procedure)...).Add(x12.Money(l.Charge), "", l.Revenue, "", "", walk.MaybeQuantity(l.Units)))
		w.statuses(l.Statuses)
		w.Segs(walk.OneRef("FJ", l.Control)...)
		w.Segs(walk.RefSegments(l.Refs)...)
		if l.Service.From != "" {
			w.Put(walk.DatesSegment("472", l.Service))
		}
		w.Segs(w.Kept("2220D", l.Other)...)
	}
	w.claims = append(w.claims, ClaimRange{c.Number, w.Since(start)})
}
