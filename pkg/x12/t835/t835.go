// Package t835 is the typed view of payments and remittance advice (835, 005010X221): the same types are read and written.
//
// Words: a Set is one payment (BPR, TRN) from a Payer to a Payee. It holds Batches (LX), these hold Claims (CLP), these hold Lines (SVC); each
// claim and line has Adjustments (CAS triplets) and remark codes. ProviderAdjustments (PLB) change the payment apart from any claim: positive
// takes money from the provider, negative gives. Money is cents, units are thousandths, dates are CCYY-MM-DD. Source and Segment name the bytes
// and the segment every amount came from.
//
// Promises: Parse reads every 835, however incomplete, keeps every triplet with sign and order, every remark and every segment it has no field
// for, and reports what it can't read. Balance gives the residual of each equation to the cent; a set with one that isn't 0 must not be posted.
// What Write wrote, Parse reads as the same values.
//
// Standard: ASC X12 835 005010X221A1, structure from knowledge of the format. Tests: t835_test.go (golden samples, the law parse∘write = id, one
// cent off fails exactly the equations that contain it), FuzzParse.
package t835

import (
	"log/slog"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Version is GS08 of what we write.
const Version = "005010X221A1"

// Set is one 835 from ST to SE.
type Set struct {
	Control             string               `json:"control"`
	Version             string               `json:"version,omitempty"` // GS08 or ST03; empty when writing takes Version
	Payment             Payment              `json:"payment"`
	Production          string               `json:"production,omitempty"`           // DTM*405
	ReceiverID          string               `json:"receiver_id,omitempty"`          // REF*EV
	Refs                []x12.Ref            `json:"refs,omitempty"`                 // of the head: F2 …
	Payer               x12.Party            `json:"payer"`                          // 1000A
	Payee               x12.Party            `json:"payee"`                          // 1000B
	Batches             []Batch              `json:"batches,omitempty"`              // 2000
	ProviderAdjustments []ProviderAdjustment `json:"provider_adjustments,omitempty"` // PLB
	Other               []x12.Raw            `json:"other,omitempty"`
	Source              x12.Source           `json:"source,omitzero"`
}

// Payment is BPR and TRN.
type Payment struct {
	Handling        string     `json:"handling"`                   // BPR01: I payment and advice, H advice only …
	Amount          int64      `json:"amount"`                     // BPR02, cents
	Credit          string     `json:"credit"`                     // BPR03: C, or D
	Method          string     `json:"method"`                     // BPR04: ACH CHK FWT BOP NON
	Format          string     `json:"format,omitempty"`           // BPR05: CCP CTX
	From            *Account   `json:"from,omitempty"`             // BPR06–09
	Originator      string     `json:"originator,omitempty"`       // BPR10: 1 and the payer's tax id
	OriginatorMore  string     `json:"originator_more,omitempty"`  // BPR11
	To              *Account   `json:"to,omitempty"`               // BPR12–15
	Effective       string     `json:"effective,omitempty"`        // BPR16, the day the money moves
	TraceType       string     `json:"trace_type,omitempty"`       // TRN01: 1
	Trace           string     `json:"trace"`                      // TRN02, the EFT or check number
	TraceOriginator string     `json:"trace_originator,omitempty"` // TRN03: 1 and the payer's tax id
	TraceMore       string     `json:"trace_more,omitempty"`       // TRN04
	Segment         int        `json:"segment,omitempty"`
	Source          x12.Source `json:"source,omitzero"` // BPR
}

// Account is a bank account.
type Account struct {
	BankQualifier string `json:"bank_qualifier,omitempty"` // 01 ABA
	Bank          string `json:"bank,omitempty"`
	Kind          string `json:"kind,omitempty"` // DA, SG
	Number        string `json:"number,omitempty"`
}

// LogValue keeps account numbers out of logs.
func (a Account) LogValue() slog.Value { return slog.StringValue("[account]") }

// Batch is 2000: LX with the totals of a facility. Claims before any LX stand in a batch without number.
type Batch struct {
	Number string     `json:"number,omitempty"` // LX01, as written
	Totals []x12.Raw  `json:"totals,omitempty"` // TS3, TS2
	Claims []Claim    `json:"claims,omitempty"`
	Other  []x12.Raw  `json:"other,omitempty"`
	Source x12.Source `json:"source,omitzero"`
}

// Claim is 2100.
type Claim struct {
	Number                string           `json:"number"`                           // CLP01, the echo of CLM01
	Status                string           `json:"status"`                           // CLP02
	Charge                int64            `json:"charge"`                           // CLP03, cents
	Paid                  int64            `json:"paid"`                             // CLP04, cents
	PatientResponsibility *int64           `json:"patient_responsibility,omitempty"` // CLP05, cents
	Filing                string           `json:"filing,omitempty"`                 // CLP06
	PayerClaimNumber      string           `json:"payer_claim_number,omitempty"`     // CLP07
	Facility              string           `json:"facility,omitempty"`               // CLP08, place of service or type of bill
	Frequency             string           `json:"frequency,omitempty"`              // CLP09
	DRG                   string           `json:"drg,omitempty"`                    // CLP11
	Weight                *int64           `json:"weight,omitempty"`                 // CLP12, thousandths
	DischargeFraction     *int64           `json:"discharge_fraction,omitempty"`     // CLP13, millionths
	Adjustments           []x12.Adjustment `json:"adjustments,omitempty"`            // of the claim as a whole
	Names                 []x12.Party      `json:"names,omitempty"`                  // QC IL 74 82 TT PR GB
	Inpatient             []x12.Raw        `json:"inpatient,omitempty"`              // MIA
	InpatientRemarks      []string         `json:"inpatient_remarks,omitempty"`      // MIA05, 20–23
	Outpatient            *x12.Outpatient  `json:"outpatient,omitempty"`             // MOA
	Refs                  []x12.Ref        `json:"refs,omitempty"`                   // F8 original number, G1, CE class of contract …
	Dates                 []Date           `json:"dates,omitempty"`                  // 232 233 service, 050 received, 036 coverage ends
	Contacts              []x12.Contact    `json:"contacts,omitempty"`
	Amounts               []x12.Amount     `json:"amounts,omitempty"`    // AU covered, I interest, F5 …
	Quantities            []Quantity       `json:"quantities,omitempty"` // CA days covered …
	Lines                 []Line           `json:"lines,omitempty"`
	Other                 []x12.Raw        `json:"other,omitempty"`
	Segment               int              `json:"segment,omitempty"` // ordinal of CLP in its set
	CLP                   x12.Source       `json:"clp,omitzero"`      // the bytes of CLP, where charge and payment stand
	Source                x12.Source       `json:"source,omitzero"`   // CLP to the last segment of its last line
}

// LogValue keeps PHI out of logs.
func (c Claim) LogValue() slog.Value { return slog.StringValue("[phi]") }

// Claim statuses (CLP02).
const (
	Primary            = "1"
	Secondary          = "2"
	Tertiary           = "3"
	Denied             = "4"
	PrimaryForwarded   = "19"
	SecondaryForwarded = "20"
	TertiaryForwarded  = "21"
	Reversal           = "22"
	ForwardedOnly      = "23"
	Predetermination   = "25"
)

// Name gives the person or organization in a role (QC patient, IL insured, 74 corrected, 82 rendering, TT crossover), nil when there is none.
func (c Claim) Name(role string) *x12.Party {
	for i := range c.Names {
		if c.Names[i].Role == role {
			return &c.Names[i]
		}
	}
	return nil
}

// Remarks are all remark codes of the claim as a whole.
func (c Claim) Remarks() []string {
	all := append([]string(nil), c.InpatientRemarks...)
	if c.Outpatient != nil {
		all = append(all, c.Outpatient.Remarks...)
	}
	return all
}

// Service are the days of service by the claim itself: DTM*232 and 233; empty when it doesn't say.
func (c Claim) Service() x12.Dates { return period(c.Dates, "472", "232", "233") }

// Date is DTM.
type Date struct {
	Qualifier string `json:"qualifier"`
	Day       string `json:"day"`
}

func period(dates []Date, day, from, thru string) x12.Dates {
	var d x12.Dates
	for _, x := range dates {
		switch x.Qualifier {
		case day:
			d = x12.Dates{From: x.Day, Thru: x.Day}
		case from:
			d.From = x.Day
		case thru:
			d.Thru = x.Day
		}
	}
	if d.Thru == "" {
		d.Thru = d.From
	}
	if d.From == "" {
		d.From = d.Thru
	}
	return d
}

// Quantity is QTY.
type Quantity struct {
	Qualifier string `json:"qualifier"`
	Value     int64  `json:"value"` // thousandths
}

// Remark is LQ: a remark code (HE) or another code about the line.
type Remark struct {
	List string `json:"list"`
	Code string `json:"code"`
}

// Line is 2110.
type Line struct {
	Procedure   x12.Procedure    `json:"procedure"`              // SVC01, as decided
	Charge      int64            `json:"charge"`                 // SVC02, cents
	Paid        int64            `json:"paid"`                   // SVC03, cents
	Revenue     string           `json:"revenue,omitempty"`      // SVC04
	Units       *int64           `json:"units,omitempty"`        // SVC05, thousandths paid
	Original    *x12.Procedure   `json:"original,omitempty"`     // SVC06, what was billed when the payer changed it
	BilledUnits *int64           `json:"billed_units,omitempty"` // SVC07
	Dates       []Date           `json:"dates,omitempty"`        // 472, or 150 and 151
	Adjustments []x12.Adjustment `json:"adjustments,omitempty"`
	Control     string           `json:"control,omitempty"` // REF*6R, the echo of our line number
	Refs        []x12.Ref        `json:"refs,omitempty"`
	Amounts     []x12.Amount     `json:"amounts,omitempty"` // B6 allowed …
	Quantities  []Quantity       `json:"quantities,omitempty"`
	Remarks     []Remark         `json:"remarks,omitempty"`
	Other       []x12.Raw        `json:"other,omitempty"`
	Segment     int              `json:"segment,omitempty"` // ordinal of SVC in its set
	SVC         x12.Source       `json:"svc,omitzero"`      // the bytes of SVC
	Source      x12.Source       `json:"source,omitzero"`
}

// Service are the line's days of service; empty when it doesn't say.
func (l Line) Service() x12.Dates { return period(l.Dates, "472", "150", "151") }

// Allowed is AMT*B6.
func (l Line) Allowed() (int64, bool) { return x12.FindAmount(l.Amounts, "B6") }

// ProviderAdjustment is one pair of a PLB.
type ProviderAdjustment struct {
	ProviderID string     `json:"provider_id"` // PLB01
	YearEnd    string     `json:"year_end"`    // PLB02
	Reason     string     `json:"reason"`      // WO FB 72 L6 …
	Reference  string     `json:"reference,omitempty"`
	Cents      int64      `json:"cents"` // positive takes from the provider
	Segment    int        `json:"segment,omitempty"`
	Source     x12.Source `json:"source,omitzero"` // the bytes of the PLB
}

// Claims are all claims of the set, in order.
func (s *Set) Claims() []*Claim {
	var all []*Claim
	for i := range s.Batches {
		for j := range s.Batches[i].Claims {
			all = append(all, &s.Batches[i].Claims[j])
		}
	}
	return all
}
