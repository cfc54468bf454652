// Package t27x is the typed view of eligibility: the question (270) and the answer (271, both 005010X279), which share their types.
//
// Words: a Set holds InformationSources (payers), these hold InformationReceivers (who asks), these hold Subscribers, these may hold dependents; the
// last two are Members. A Member carries Inquiries (EQ) in a 270 and Benefits (EB) in a 271. A Rejection (AAA) says at which level and why there
// is no answer. An Entity (NM1 between LS and LE) is whom to ask instead, as for a behavioral carve-out. Money is cents, quantities are thousandths,
// fractions are millionths (200000 is 20 %), dates are CCYY-MM-DD.
//
// Promises: Parse reads every 270 and 271 and reports what it can't read, all at once; segments without a typed field stay as x12.Raw where they
// stood. What Write wrote, Parse reads as the same values.
//
// Standard: ASC X12 270/271 005010X279A1, structure from knowledge of the format. Tests: t27x_test.go (golden samples, the law parse∘write = id),
// FuzzParse.
package t27x

import (
	"log/slog"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Version is GS08 and ST03 of what we write.
const Version = "005010X279A1"

// Set is one 270 or 271 from ST to SE.
type Set struct {
	Kind      x12.Kind            `json:"kind"` // x12.K270 or x12.K271
	Control   string              `json:"control"`
	Version   string              `json:"version,omitempty"` // ST03; empty when writing takes Version
	Purpose   string              `json:"purpose"`           // BHT02: 13 question, 01 cancellation; 11 answer
	Reference string              `json:"reference,omitempty"`
	Date      string              `json:"date"`
	Time      string              `json:"time"`
	Type      string              `json:"type,omitempty"` // BHT06: RT spend down
	Sources   []InformationSource `json:"sources"`
	Other     []x12.Raw           `json:"other,omitempty"`
	Source    x12.Source          `json:"source,omitzero"`
}

// InformationSource is 2000A and 2100A: the payer.
type InformationSource struct {
	Party           x12.Party             `json:"party"`
	LevelRejections []Rejection           `json:"level_rejections,omitempty"` // 2000A
	Rejections      []Rejection           `json:"rejections,omitempty"`       // 2100A
	Receivers       []InformationReceiver `json:"receivers,omitempty"`
	Other           []x12.Raw             `json:"other,omitempty"`
}

// InformationReceiver is 2000B and 2100B: the provider who asks.
type InformationReceiver struct {
	Party       x12.Party    `json:"party"`
	Rejections  []Rejection  `json:"rejections,omitempty"`
	Subscribers []Subscriber `json:"subscribers,omitempty"`
	Other       []x12.Raw    `json:"other,omitempty"`
}

// Subscriber is 2000C, with the dependents of 2000D. Who is asked about is the member that carries inquiries or benefits.
type Subscriber struct {
	Member
	Dependents []Member `json:"dependents,omitempty"`
}

// Member is a person under the payer: 2000C and 2100C, or 2000D and 2100D.
type Member struct {
	Traces     []Trace     `json:"traces,omitempty"`
	Person     x12.Party   `json:"person"`
	Rejections []Rejection `json:"rejections,omitempty"`
	Self       string      `json:"self,omitempty"`     // INS01: Y subscriber, N dependent
	Relation   string      `json:"relation,omitempty"` // INS02: 18 self, 01 spouse, 19 child …
	Dates      []x12.Dated `json:"dates,omitempty"`    // 291 plan, 346 begin, 347 end, 356, 357 eligibility, 307
	Inquiries  []Inquiry   `json:"inquiries,omitempty"`
	Benefits   []Benefit   `json:"benefits,omitempty"`
	Other      []x12.Raw   `json:"other,omitempty"` // HI, MPI, INS with more than the relation
	Segment    int         `json:"segment,omitempty"`
	Source     x12.Source  `json:"source,omitzero"`
}

// LogValue keeps PHI out of logs.
func (m Member) LogValue() slog.Value { return slog.StringValue("[phi]") }

// Trace is TRN: in a 270 the asker's number (1), in a 271 its echo (2) or the payer's own (1).
type Trace struct {
	Type       string `json:"type"`
	Number     string `json:"number"`
	Originator string `json:"originator,omitempty"` // 9 and an id, 1 and a tax id
	More       string `json:"more,omitempty"`
}

// Rejection is AAA.
type Rejection struct {
	Valid    string     `json:"valid"`               // AAA01: Y the request could be read, N not
	Reason   string     `json:"reason"`              // AAA03: 42 down, 72 member id, 75 not found …
	FollowUp string     `json:"follow_up,omitempty"` // AAA04: C correct, N no, R again, S Y W X wait
	Segment  int        `json:"segment,omitempty"`
	Source   x12.Source `json:"source,omitzero"`
}

// Inquiry is EQ: what is asked.
type Inquiry struct {
	ServiceTypes []string       `json:"service_types,omitempty"` // EQ01: 30, MH, A6 …
	Procedure    *x12.Procedure `json:"procedure,omitempty"`     // EQ02
	Level        string         `json:"level,omitempty"`         // EQ03: IND FAM
	Pointers     []int          `json:"pointers,omitempty"`      // EQ05
	Refs         []x12.Ref      `json:"refs,omitempty"`          // G1, 9F
	Dates        []x12.Dated    `json:"dates,omitempty"`         // 472
	Other        []x12.Raw      `json:"other,omitempty"`         // AMT, III
}

// Benefit is EB with what belongs to it.
type Benefit struct {
	Info              string         `json:"info"`                         // EB01: 1 active, 6 inactive, A coinsurance, B copay, C deductible, R other payer, U ask …
	Level             string         `json:"level,omitempty"`              // EB02: IND FAM …
	ServiceTypes      []string       `json:"service_types,omitempty"`      // EB03; none means the whole answer
	InsuranceType     string         `json:"insurance_type,omitempty"`     // EB04
	Plan              string         `json:"plan,omitempty"`               // EB05
	Period            string         `json:"period,omitempty"`             // EB06: 23 calendar year, 27 visit, 29 remaining …
	Cents             *int64         `json:"cents,omitempty"`              // EB07
	Fraction          *int64         `json:"fraction,omitempty"`           // EB08, millionths
	QuantityQualifier string         `json:"quantity_qualifier,omitempty"` // EB09: VS visits …
	Quantity          *int64         `json:"quantity,omitempty"`           // EB10, thousandths
	Authorization     string         `json:"authorization,omitempty"`      // EB11: Y needed, N not, U unknown
	InNetwork         string         `json:"in_network,omitempty"`         // EB12: Y, N, W either, U unknown
	Procedure         *x12.Procedure `json:"procedure,omitempty"`          // EB13
	Pointers          []int          `json:"pointers,omitempty"`           // EB14
	Refs              []x12.Ref      `json:"refs,omitempty"`
	Dates             []x12.Dated    `json:"dates,omitempty"` // 348, 349 benefit, 292 …
	Rejections        []Rejection    `json:"rejections,omitempty"`
	Messages          []string       `json:"messages,omitempty"`
	Entities          []x12.Party    `json:"entities,omitempty"` // 2120
	Other             []x12.Raw      `json:"other,omitempty"`    // HSD, III
	Segment           int            `json:"segment,omitempty"`  // ordinal of EB
	Source            x12.Source     `json:"source,omitzero"`    // EB to the last segment that belongs to it
}

// Asked is a member with who asked whom.
type Asked struct {
	Payer      *InformationSource
	Provider   *InformationReceiver
	Subscriber *Subscriber
	Member     *Member // the subscriber's own, or a dependent
}

// Members are those the set is about: dependents where there are any, else the subscriber.
func (s *Set) Members() []Asked {
	var all []Asked
	for i := range s.Sources {
		src := &s.Sources[i]
		for j := range src.Receivers {
			rcv := &src.Receivers[j]
			for k := range rcv.Subscribers {
				sub := &rcv.Subscribers[k]
				if len(sub.Dependents) == 0 {
					all = append(all, Asked{src, rcv, sub, &sub.Member})
				}
				for d := range sub.Dependents {
					all = append(all, Asked{src, rcv, sub, &sub.Dependents[d]})
				}
			}
		}
	}
	return all
}

// AllRejections are the rejections of every level above and of the member itself, outermost first.
func (a Asked) AllRejections() []Rejection {
	var all []Rejection
	all = append(all, a.Payer.LevelRejections...)
	all = append(all, a.Payer.Rejections...)
	all = append(all, a.Provider.Rejections...)
	all = append(all, a.Subscriber.Rejections...)
	if a.Member != &a.Subscriber.Member {
		all = append(all, a.Member.Rejections...)
	}
	for _, b := range a.Member.Benefits {
		all = append(all, b.Rejections...)
	}
	return all
}

// Trace gives the number under which the asker knows the question: the echo in a 271, the number itself in a 270.
func (m Member) Trace(kind x12.Kind) string {
	want := "1"
	if kind == x12.K271 {
		want = "2"
	}
	for _, t := range m.Traces {
		if t.Type == want {
			return t.Number
		}
	}
	return ""
}
