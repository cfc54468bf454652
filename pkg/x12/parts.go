package x12

import "log/slog"

// Party is a person or an organization: an NM1 or N1 with the segments that describe it.
type Party struct {
	Role         string    `json:"role"`           // NM101 or N101: 85, IL, PR …
	Kind         string    `json:"kind,omitempty"` // NM102: Person or Organization; empty from N1
	Name         string    `json:"name,omitempty"` // last name, or the organization's
	First        string    `json:"first,omitempty"`
	Middle       string    `json:"middle,omitempty"`
	Prefix       string    `json:"prefix,omitempty"`
	Suffix       string    `json:"suffix,omitempty"`
	IDQualifier  string    `json:"id_qualifier,omitempty"` // XX NPI, MI member, PI payer, 46 submitter, FI tax id …
	ID           string    `json:"id,omitempty"`
	Address      *Address  `json:"address,omitempty"`
	Birth        string    `json:"birth,omitempty"`         // DMG02, CCYY-MM-DD
	Sex          string    `json:"sex,omitempty"`           // DMG03: F M U
	ProviderCode string    `json:"provider_code,omitempty"` // PRV01: BI billing, PE performing …
	Taxonomy     string    `json:"taxonomy,omitempty"`      // PRV03 under qualifier PXC
	Refs         []Ref     `json:"refs,omitempty"`          // further numbers: EI, SY, G2 …
	Contacts     []Contact `json:"contacts,omitempty"`      // PER
	Other        []Raw     `json:"other,omitempty"`         // what the segments above can't hold
	Source       `json:"source,omitzero"`
}

const (
	Person       = "1"
	Organization = "2"
)

// LogValue keeps names and numbers out of logs.
func (p Party) LogValue() slog.Value { return slog.StringValue("[phi]") }

// Ref gives the number under a qualifier, empty when there is none.
func (p Party) Ref(qualifier string) string { return FindRef(p.Refs, qualifier) }

// Address is N3 and N4.
type Address struct {
	Line1   string `json:"line1,omitempty"`
	Line2   string `json:"line2,omitempty"`
	City    string `json:"city,omitempty"`
	State   string `json:"state,omitempty"`
	ZIP     string `json:"zip,omitempty"` // 5 or 9 digits
	Country string `json:"country,omitempty"`
}

// Ref is REF: a number under a qualifier.
type Ref struct {
	Qualifier   string `json:"qualifier"`
	Value       string `json:"value,omitempty"`
	Description string `json:"description,omitempty"`
}

// FindRef gives the first number under a qualifier.
func FindRef(refs []Ref, qualifier string) string {
	for _, r := range refs {
		if r.Qualifier == qualifier {
			return r.Value
		}
	}
	return ""
}

// Contact is PER.
type Contact struct {
	Role    string         `json:"role"` // PER01: IC, BL, CX …
	Name    string         `json:"name,omitempty"`
	Numbers []ContactPoint `json:"numbers,omitempty"`
}

// ContactPoint is a way to reach someone: TE telephone, EX extension, EM mail, FX fax, UR web.
type ContactPoint struct {
	Kind   string `json:"kind"`
	Number string `json:"number"`
}

// Dates is a day or a range of days, both included; for a day both are the same. CCYY-MM-DD.
type Dates struct {
	From string `json:"from"`
	Thru string `json:"thru"`
}

// Dated is a DTP or DTM: a date with its meaning.
type Dated struct {
	Qualifier string `json:"qualifier"`
	Dates
}

// Amount is AMT: cents with their meaning.
type Amount struct {
	Qualifier string `json:"qualifier"`
	Cents     int64  `json:"cents"`
}

// FindAmount gives the first amount under a qualifier.
func FindAmount(amounts []Amount, qualifier string) (int64, bool) {
	for _, a := range amounts {
		if a.Qualifier == qualifier {
			return a.Cents, true
		}
	}
	return 0, false
}

// Adjustment is one triplet of a CAS: who is responsible, why, how much. Amounts keep the sign of the file: positive lowers the payment.
type Adjustment struct {
	Group    string                   `json:"group"`              // CO PR OA PI, and CR from older files
	Reason   string                   `json:"reason"`             // CARC
	Cents    int64                    `json:"cents"`              //
	Quantity *int64                   `json:"quantity,omitempty"` // thousandths; nil when not given
	Segment  int                      `json:"segment,omitempty"`  // ordinal of the CAS in its set
	Source   `json:"source,omitzero"` // the bytes of the CAS
}

// Procedure is the composite that names a service.
type Procedure struct {
	Qualifier   string   `json:"qualifier"` // HC, or NU revenue code, AD dental …
	Code        string   `json:"code"`
	Modifiers   []string `json:"modifiers,omitempty"` // up to 4
	Description string   `json:"description,omitempty"`
	Thru        string   `json:"thru,omitempty"` // end of a range of codes
}

// Outpatient is MOA: what the payer says about the claim as a whole.
type Outpatient struct {
	Rate       *int64   `json:"rate,omitempty"`    // MOA01, a share in millionths
	Payable    *int64   `json:"payable,omitempty"` // MOA02, cents
	Remarks    []string `json:"remarks,omitempty"` // MOA03–07, RARC
	ESRD       *int64   `json:"esrd,omitempty"`    // MOA08, cents
	NonPayable *int64   `json:"non_payable,omitempty"`
	Source     `json:"source,omitzero"`
}
