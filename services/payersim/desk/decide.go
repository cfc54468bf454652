package desk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/ack"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
	"github.com/evenkeel/evenkeel/services/payersim/plans"
)

// File is what came to the door.
type File struct {
	Plans         *plans.Plans
	ReceiverID    string
	InterchangeID string
	SHA256        string
	Data          []byte
	At            time.Time
}

// book is the state with what this decision adds to it.
type book struct {
	State
	file   File
	today  string
	sender string // ISA06 of the file: to whom the answers go
	events []es.Event
	seen   map[string]bool
	lost   map[string]bool
	back   map[string]bool
	used   map[string]int64
	claims map[string]*pb.ClaimDecided
}

func open(s State, f File) *book {
	return &book{
		State: s, file: f, today: f.At.UTC().Format(time.DateOnly), sender: x12.Sniff(f.Data).Sender,
		seen: map[string]bool{}, lost: map[string]bool{}, back: map[string]bool{}, used: map[string]int64{}, claims: map[string]*pb.ClaimDecided{},
	}
}

// Take reads a file and answers it, once.
func Take(s State, f File) ([]es.Event, error) {
	if s.Taken[f.InterchangeID] {
		return nil, nil
	}
	b := open(s, f)
	kind := x12.Sniff(f.Data).Kind
	b.events = []es.Event{&pb.FileTaken{ReceiverId: f.ReceiverID, InterchangeId: f.InterchangeID, FileSha256: f.SHA256, Kind: string(kind)}}
	file, found := x12.Read(f.Data)
	for _, i := range file.Interchanges {
		for _, g := range i.Groups {
			var err error
			switch kind {
			case x12.K270:
				err = b.questions(g)
			case x12.K837P:
				err = b.claimGroup(g, found)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return b.events, nil
}

// envelope of the next file from this desk to whoever sent us one.
func (b *book) envelope() x12.Envelope {
	n := b.Responses + 1
	at := b.file.At.UTC()
	return x12.Envelope{
		SenderQualifier: "ZZ", SenderID: b.file.ReceiverID, ReceiverQualifier: "ZZ", ReceiverID: b.sender, Date: b.today, Time: at.Format("1504"),
		InterchangeControl: n, GroupControl: n, Usage: "P",
	}
}

func (b *book) issue(kind x12.Kind, data []byte) {
	b.Responses++
	sum := sha256.Sum256(data)
	b.events = append(b.events, &pb.ResponseIssued{
		ReceiverId: b.file.ReceiverID, SubjectId: b.file.ReceiverID, Kind: string(kind), FileSha256: hex.EncodeToString(sum[:]), Data: data, Sequence: int32(b.Responses),
	})
}

func (b *book) clock() string { return b.file.At.UTC().Format("1504") }

// claimGroup answers a group of claims: its 999, and what became of each claim that got in.
func (b *book) claimGroup(g *x12.Group, found x12.Diagnostics) error {
	var sets []*t837.Set
	for _, set := range g.Sets {
		s, more := t837.Parse(set)
		found = append(found, more...)
		if s != nil {
			check := t837.Check(s).Of(set)
			found = append(found, check...)
			if len(append(more, check...).Errors()) == 0 {
				sets = append(sets, s)
			}
		}
	}
	f := ack.AnswerGroup(g, found)
	f.Control = "0001"
	data, err := ack.Write999(b.envelope(), f)
	if err != nil {
		return fmt.Errorf("acknowledge the group: %w", err)
	}
	b.issue(x12.K999, data)
	for _, s := range sets {
		if f.Status == ack.Rejected {
			break
		}
		if err := b.claimSet(s); err != nil {
			return err
		}
	}
	return nil
}

// claimSet takes claims in, says so by 277CA, and decides on them.
func (b *book) claimSet(s *t837.Set) error {
	var answers []*ack.ClaimAnswers
	byPayer := map[string]*ack.ClaimAnswers{}
	for _, p := range s.Claims() {
		edi := p.Subscriber.Payer.ID
		payer, served := b.file.Plans.Find(b.file.ReceiverID, edi)
		a := byPayer[edi]
		if a == nil {
			a = b.answers(s, p, cmp.Or(payer.Name, b.file.ReceiverID), edi, len(answers)+1)
			byPayer[edi] = a
			answers = append(answers, a)
		}
		claim := ack.Claim{Patient: patient(p), Number: p.Claim.Number, Service: service(p.Claim)}
		status := ack.ClaimStatus{Date: b.today, Charge: &p.Claim.Charge}
		original := b.claim(p.Claim.PayerClaimNumber)
		switch {
		case !served: // somebody else's
			status.Action, status.Reasons = "U", []ack.Reason{{Category: "A3", Code: "116", Entity: "PR"}}
		case p.Claim.Frequency != t837.Original && original == nil && !payer.Plain: // also what its front desk took in under a number and it never loaded: see silent
			status.Action, status.Reasons = "U", []ack.Reason{{Category: "A7", Code: "464", Entity: "PR"}}
		default:
			status.Action, status.Reasons = "WQ", []ack.Reason{{Category: "A2", Code: "20", Entity: "PR"}}
			claim.PayerClaimNumber = b.number()
			if err := b.decide(p, payer, claim.PayerClaimNumber, original); err != nil {
				return err
			}
		}
		claim.Statuses = []ack.ClaimStatus{status}
		providers := &a.Receivers[0].Providers
		if n := len(*providers); n == 0 || (*providers)[n-1].Party.ID != p.Provider.Party.ID || (*providers)[n-1].Party.Name != p.Provider.Party.Name {
			party := p.Provider.Party
			*providers = append(*providers, ack.Provider{Party: x12.Party{Role: "85", Kind: party.Kind, Name: party.Name, First: party.First, IDQualifier: party.IDQualifier, ID: party.ID}})
		}
		last := &(*providers)[len(*providers)-1]
		last.Claims = append(last.Claims, claim)
	}
	w, err := ack.Write277CA(b.envelope(), answers...)
	if err != nil {
		return fmt.Errorf("answer the claims: %w", err)
	}
	b.issue(x12.K277CA, w.Bytes)
	return nil
}

func (b *book) answers(s *t837.Set, p t837.Placed, name, edi string, n int) *ack.ClaimAnswers {
	submitter := x12.Party{Role: "41", Kind: s.Submitter.Kind, Name: s.Submitter.Name, First: s.Submitter.First, IDQualifier: "46", ID: s.Submitter.ID}
	return &ack.ClaimAnswers{
		Control: fmt.Sprintf("%04d", n), Reference: fmt.Sprintf("CA%d", b.Responses+1), Date: b.today, Time: b.clock(),
		Source: x12.Party{Role: "PR", Kind: x12.Organization, Name: name, IDQualifier: "PI", ID: edi}, Trace: fmt.Sprintf("%s%d-%d", b.file.ReceiverID, b.Responses+1, n),
		Received: b.today, Processed: b.today, Receivers: []ack.Receiver{{Party: submitter, Trace: s.Reference}},
	}
}

func patient(p t837.Placed) x12.Party {
	person := p.Subscriber.Person
	if p.Patient != nil {
		person = p.Patient.Person
	}
	return x12.Party{Role: "QC", Kind: x12.Person, Name: person.Name, First: person.First, IDQualifier: "MI", ID: p.Subscriber.Person.ID}
}

func service(c *t837.Claim) x12.Dates {
	var out x12.Dates
	for _, l := range c.Lines {
		if out.From == "" || l.Service.From < out.From {
			out.From = l.Service.From
		}
		if l.Service.Thru > out.Thru {
			out.Thru = l.Service.Thru
		}
	}
	return out
}

// number is the payer's number of the next claim.
func (b *book) number() string {
	return fmt.Sprintf("%s%08d", letters(b.file.ReceiverID), b.Numbers+1)
}

// letters are what a receiver's numbers begin with: up to 4 of its letters, and 3 that tell it from others with the same.
func letters(receiverID string) string {
	s := receiverID
	s = strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToUpper(s))
	return s[:min(len(s), 4)] + strings.ToUpper(es.Derive("", receiverID)[1:4])
}

func (b *book) claim(number string) *pb.ClaimDecided {
	return cmp.Or(b.claims[number], b.Claims[number])
}

// entry is a decided claim with who is paid for it: what the remittance will say.
type entry struct {
	Claim     t835.Claim `json:"claim"`
	Payee     x12.Party  `json:"payee"`
	PayerName string     `json:"payer_name"`
	TaxID     string     `json:"tax_id"`
	Sender    string     `json:"sender"` // whom the remittance goes to
}

// decide decides on a claim now and pays it later.
func (b *book) decide(p t837.Placed, payer plans.Payer, number string, original *pb.ClaimDecided) error {
	c := p.Claim
	who := identity(p, payer.EDIPayerID)
	hash := es.Derive("sim", who)
	year := cmp.Or(service(c).From, b.today)[:4]
	member := es.Derive("mem", payer.EDIPayerID, p.Subscriber.Person.ID, year)
	known := b.seen[hash] || b.Seen[hash]
	fate := b.file.Plans.Fate(payer, who)
	d := &pb.ClaimDecided{
		ReceiverId: b.file.ReceiverID, EdiPayerId: payer.EDIPayerID, PatientControlNumber: c.Number, PayerClaimControlNumber: number, PayOnDate: payDay(b.today, b.LastRun),
		SubjectId: b.file.ReceiverID, ClaimHash: hash, MemberHash: member, PayeeNpi: p.Provider.Party.ID, Original: c.Frequency == t837.Original,
	}
	e := entry{Payee: payee(&p.Provider.Party), PayerName: payer.Name, TaxID: payer.TaxID, Sender: b.sender}
	if original != nil && c.Frequency != t837.Original {
		if err := b.takeBack(original, d.PayOnDate, c.Frequency == t837.Void); err != nil {
			return err
		}
	}
	if c.Frequency == t837.Void {
		d.Decision, d.Scenario = silent, "void" // nothing more is said of it
		return b.add(d, nil)
	}
	if fate.Silent && d.Original && !known && !b.lost[hash] && !b.Lost[hash] { // it never answers the first time
		d.Decision, d.Scenario = silent, "silent"
		return b.add(d, nil)
	}
	a := adjudicate(question{
		placed: p, payer: payer, today: b.today, duplicate: d.Original && known, deductible: payer.DeductibleCents - b.Used[member] - b.used[member],
		shortPaid: fate.ShortPaid && d.Original,
	})
	a.claim.PayerClaimNumber = number
	d.Decision, d.Scenario, d.PaidAmount, d.DeductibleUsedAmount = a.decision, a.scenario, a.claim.Paid, a.deductibleUsed
	e.Claim = a.claim
	if err := b.add(d, &e); err != nil {
		return err
	}
	if fate.TakenBack && d.Original && a.claim.Paid > 0 {
		return b.takeBack(d, date.Add(d.PayOnDate, takenBackAfter), false)
	}
	return nil
}

// add records a decision; e is what the remittance will say of it, nil: nothing.
func (b *book) add(d *pb.ClaimDecided, e *entry) error {
	if e != nil {
		text, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("keep the decision on claim %s: %w", d.PayerClaimControlNumber, err)
		}
		d.RemittanceClaim = text
	}
	b.events = append(b.events, d)
	b.used[d.MemberHash] += d.DeductibleUsedAmount
	switch d.Decision {
	case reversed:
		b.back[d.PayerClaimControlNumber] = true
		return nil
	case silent:
		b.lost[d.ClaimHash] = b.lost[d.ClaimHash] || d.Original
	default:
		b.seen[d.ClaimHash] = b.seen[d.ClaimHash] || d.Original
		b.claims[d.PayerClaimControlNumber] = d
	}
	b.Numbers++
	return nil
}

// takenBackAfter is how many days after a payment it is taken back: on a Friday, in a run of its own. What that run can't keep is carried to the next one (PLB), as payers' recovery
// departments do.
const takenBackAfter = 16

// takeBack reverses a decision, once, in the run of that day or, where it is paid later, together with it. Decisions that paid nothing are reversed for a void only.
func (b *book) takeBack(d *pb.ClaimDecided, payOn string, unpaid bool) error {
	if b.back[d.PayerClaimControlNumber] || b.Reversed[d.PayerClaimControlNumber] || d.PaidAmount == 0 && !unpaid {
		return nil
	}
	var e entry
	if err := json.Unmarshal(d.RemittanceClaim, &e); err != nil {
		return fmt.Errorf("take the decision on claim %s back: %w", d.PayerClaimControlNumber, err)
	}
	e.Claim = negated(e.Claim)
	return b.add(&pb.ClaimDecided{
		ReceiverId: d.ReceiverId, EdiPayerId: d.EdiPayerId, PatientControlNumber: d.PatientControlNumber, PayerClaimControlNumber: d.PayerClaimControlNumber,
		Decision: reversed, Scenario: "taken_back", PayOnDate: max(payOn, d.PayOnDate), SubjectId: d.SubjectId, ClaimHash: d.ClaimHash, PaidAmount: -d.PaidAmount,
		DeductibleUsedAmount: -d.DeductibleUsedAmount, MemberHash: d.MemberHash, PayeeNpi: d.PayeeNpi,
	}, &e)
}

// payDay is the Wednesday on which a claim of today is paid: 6 to 12 days from now, and after the last run that was made. A file may reach the desk late, when the run of its
// own week is over: a run is made once.
func payDay(today, lastRun string) string {
	d := date.Add(date.Week(date.Add(today, 6)), 2)
	if d < date.Add(today, 6) {
		d = date.Add(d, 7)
	}
	for d <= lastRun {
		d = date.Add(d, 7)
	}
	return d
}

func payee(p *x12.Party) x12.Party {
	out := x12.Party{Role: "PE", Name: p.Name, IDQualifier: "XX", ID: p.ID, Address: p.Address}
	if p.Kind == x12.Person {
		out.Name = strings.TrimSpace(p.First + " " + p.Name)
	}
	tax := cmp.Or(p.Ref("EI"), p.Ref("SY"))
	switch {
	case p.IDQualifier != "XX" && tax != "":
		out.IDQualifier, out.ID = "FI", tax
	case tax != "":
		out.Refs = []x12.Ref{{Qualifier: "TJ", Value: tax}}
	}
	return out
}
