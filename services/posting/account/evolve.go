// Package account is the stream of one encounter's charges: what is asked of whom, what was paid, taken off, moved on and refused, to the cent and the line.
//
// A Place is where a receivable lies: a payer with its sequence, or the patient, and a line. legs.go says what each event does to the books; post.go posts one claim of a
// remittance. For every line at every time: charge = paid + adjusted + moved to the patient + open (TestWhatIsChargedIsAlwaysSomewhere).
package account

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/explain"
)

// Payer is a payer at its place in the order of payers.
type Payer struct {
	ID       string
	Sequence typev1.PayerSequence
}

// Place is where a receivable lies. The zero payer is the patient; no line: what was told of the claim as a whole.
type Place struct {
	Payer
	LineID string
}

// Key names one claim payment: one CLP of one remittance.
type Key struct {
	RemittanceID string
	Ordinal      int32
}

// Payment is one claim payment as it was posted.
type Payment struct {
	Key
	ClaimID  string
	Payer    Payer
	Claim    *exchangev1.RemittanceClaim // nil while its parts are still being folded
	Legs     []*typev1.Leg               // of all of its parts
	Denied   []*pb.DenialRecorded
	Shares   []explain.Share  // what it left to the patient
	Booked   map[reason]int64 // what was moved and taken off
	To       map[reason]Payer // whom it was moved to
	Accepted map[string]int64 // by line_id: what was in dispute and was given up
	Contract string           // with the payer, in force on the day of service
	Reversed bool
}

// reason is why a decision moves or takes off an amount of a line.
type reason struct{ lineID, group, carc string }

func (p *Payment) book(lineID, group, carc string, amount int64) {
	if p.Booked == nil {
		p.Booked = map[reason]int64{}
	}
	p.Booked[reason{lineID, group, carc}] += amount
}

func (p *Payment) send(lineID, group, carc string, to Payer) {
	if p.To == nil {
		p.To = map[reason]Payer{}
	}
	p.To[reason{lineID, group, carc}] = to
}

func (p *Payment) accept(lineID string, amount int64) {
	if p.Accepted == nil {
		p.Accepted = map[string]int64{}
	}
	p.Accepted[lineID] += amount
}

// Allocation is patient money on this account.
type Allocation struct {
	PaymentID string
	Amount    int64
}

// Passage is what a payer has left to another one, or to the patient, on a line, paid or not.
type Passage struct {
	From Payer
	To   Place
}

// Line is where the charge of one line is. Charge = Paid + Adjusted + Patient + Open.
type Line struct {
	Charge   int64
	Paid     int64 // by payers, also before the move
	Adjusted int64
	Patient  int64 // moved to the patient, paid or not
	Open     int64 // asked of payers
}

// State is what the decisions and the account's page need to know.
type State struct {
	Charge    *pb.ChargePosted // with its lines and payers as they are now
	Voided    bool             // it is billed no more
	Prior     []*pb.PriorAdjudicationPosted
	Open      map[Place]int64  // receivables
	Lines     map[string]*Line // by line_id; "": told of the claim as a whole
	Payments  []*Payment       // in the order of posting
	Done      map[Key]bool     // posted, reversed or found unmatched
	Waiting   []Waiting
	Allocated []Allocation
	Losses    []Loss         // of live decisions, in the order in which they were accepted
	Disputes  []Dispute      // of live decisions, in the order in which they were found
	Questions []Question     // later payers' payments on decisions that were taken back
	Left      map[Payer]bool // payers whose claim was taken back while the charge stands: they are asked no more
	Moved     int64          // from them to the patient
	Passed    map[Passage]int64
	Settled   bool
}

// Stream is the account's stream; its id is the encounter's.
var Stream = es.Stream[State]{Kind: "account", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Open == nil {
		s.Open, s.Done, s.Lines, s.Left = map[Place]int64{}, map[Key]bool{}, map[string]*Line{}, map[Payer]bool{}
		s.Passed = map[Passage]int64{}
	}
	pass(s.Passed, s, event)
	s.Disputes, s.Losses = disputed(s.Disputes, event), lost(s.Losses, event)
	switch e := event.(type) {
	case *pb.ChargePosted:
		s.Charge = e
		s.move(e.Legs)
		s.tell(e.Legs)
	case *pb.ChargeCorrected:
		s.Charge = proto.CloneOf(s.Charge)
		s.Charge.Lines, s.Charge.ChargeAmount, s.Charge.Expected = e.Lines, e.ChargeAmount, e.Expected
		s.move(e.Legs)
		s.tell(e.Legs)
	case *pb.ChargeVoided:
		s.Voided = true
		s.move(e.Legs)
		s.tell(e.Legs)
	case *pb.PayersTold:
		s.Charge = proto.CloneOf(s.Charge)
		s.Charge.ResponsiblePayers = e.ResponsiblePayers
		s.move(e.Legs)
		s.tell(e.Legs)
	case *pb.PriorAdjudicationPosted:
		s.Prior = append(s.Prior, e)
		s.move(e.Legs)
		s.tell(e.Legs)
	case *pb.InsurancePaymentPosted:
		s.part(e, e.Legs)
	case *pb.ContractualAdjusted:
		s.part(e, e.Legs)
		s.payment(e).book(e.LineId, e.GroupCode, e.Carc, e.Amount)
	case *pb.BalanceBillingHeld:
		s.payment(e).Contract = e.ContractId // also of payments posted before they said it
	case *pb.UnderpaymentAccepted:
		s.part(e, e.Legs)
		s.payment(e).accept(e.LineId, e.Amount)
	case *pb.AcceptedLossRecovered:
		s.part(e, e.Legs)
		s.payment(e).accept(e.LineId, -e.Amount)
	case *pb.ResponsibilityTransferred:
		s.part(e, e.Legs)
		p := s.payment(e)
		p.book(e.LineId, e.GroupCode, e.Carc, e.Amount)
		p.send(e.LineId, e.GroupCode, e.Carc, Payer{e.ToPayerId, e.ToPayerSequence})
		if e.ToPayerId == "" {
			p.Shares = append(p.Shares, explain.Share{Carc: e.Carc, Amount: e.Amount})
		}
	case *pb.DenialRecorded:
		p := s.payment(e)
		p.Denied = append(p.Denied, e)
	case *pb.ClaimPaymentPosted:
		s.Done[Key{e.RemittanceId, e.RemittanceClaim.GetOrdinal()}] = true
		if !e.Reversal {
			p := s.payment(posted{e})
			p.Claim = e.RemittanceClaim
			p.Contract = cmp.Or(e.ContractId, p.Contract)
		}
	case *pb.PostingReversed:
		undone := Key{e.ReversedRemittanceId, e.ReversedClaimOrdinal}
		for _, p := range s.Payments {
			p.Reversed = p.Reversed || p.Key == undone
		}
		s.move(e.Legs)
		s.tell(e.Legs)
	case *pb.ClaimPaymentUnmatched:
		s.Done[Key{e.RemittanceId, e.ClaimOrdinal}] = true
		s.Waiting = append(s.Waiting, Waiting{e, len(s.Payments)})
	case *pb.ClaimPaymentFound:
		key := Key{e.RemittanceId, e.ClaimOrdinal}
		s.Waiting = slices.DeleteFunc(slices.Clone(s.Waiting), func(w Waiting) bool { return w.key() == key })
	case *pb.BalanceReturned:
		s.move(e.Legs)
		s.tell(e.Legs)
	case *pb.BalanceMoved:
		s.Left[Payer{e.PayerId, e.PayerSequence}] = true
		s.Moved += e.Amount
		s.move(e.Legs)
		s.tell(e.Legs)
	case *pb.PatientPaymentAllocated:
		s.Allocated = allocated(s.Allocated, e.PatientPaymentId, e.Amount)
		s.move(e.Legs)
	case *pb.LaterPaymentQuestioned:
		s.Questions = append(s.Questions, Question{Payer{e.PayerId, e.PayerSequence}, Payer{e.EarlierPayerId, e.EarlierPayerSequence}, e.ClaimId})
	case *pb.LaterPaymentAnswered:
		later := Payer{e.PayerId, e.PayerSequence}
		s.Questions = slices.DeleteFunc(slices.Clone(s.Questions), func(q Question) bool { return q.Later == later })
	case *pb.AccountSettled:
		s.Settled = true
	}
	return s
}

// partOf is what all parts of a claim payment say about it.
type partOf interface {
	GetClaimId() string
	GetPayerId() string
	GetPayerSequence() typev1.PayerSequence
	GetRemittanceId() string
	GetClaimOrdinal() int32
}

// posted lets the closing event be found like the parts before it.
type posted struct{ *pb.ClaimPaymentPosted }

func (p posted) GetClaimOrdinal() int32 { return p.RemittanceClaim.GetOrdinal() }

func (s *State) part(e partOf, legs []*typev1.Leg) {
	p := s.payment(e)
	for _, l := range legs {
		if e, ok := e.(interface{ GetCarc() string }); ok { // so that what takes it back can say why it was there
			l = proto.CloneOf(l)
			l.Carc = e.GetCarc()
		}
		p.leg(l)
	}
	s.move(legs)
	s.tell(legs)
}

// leg keeps a leg of the payment. One that takes back an earlier one lessens it.
func (p *Payment) leg(l *typev1.Leg) {
	for i, o := range p.Legs {
		if o.Account == l.Account && o.PayerId == l.PayerId && o.PayerSequence == l.PayerSequence && o.LineId == l.LineId && o.Carc == l.Carc && (o.Amount < 0) != (l.Amount < 0) {
			p.Legs = slices.Delete(slices.Clone(p.Legs), i, i+1)
			if rest := o.Amount + l.Amount; rest != 0 {
				l = proto.CloneOf(l)
				l.Amount = rest
				p.leg(l)
			}
			return
		}
	}
	p.Legs = append(p.Legs, l)
}

func (s *State) payment(e partOf) *Payment {
	key := Key{e.GetRemittanceId(), e.GetClaimOrdinal()}
	for _, p := range slices.Backward(s.Payments) {
		if p.Key == key {
			return p
		}
	}
	p := &Payment{Key: key, ClaimID: e.GetClaimId(), Payer: Payer{e.GetPayerId(), e.GetPayerSequence()}}
	s.Payments = append(s.Payments, p)
	return p
}

func (s *State) move(legs []*typev1.Leg) {
	for _, l := range legs {
		if place, ok := placeOf(l); ok {
			s.Open[place] += l.Amount
			s.Settled = false
		}
	}
}

func (s *State) tell(legs []*typev1.Leg) {
	for _, l := range legs {
		line := s.Lines[l.LineId]
		if line == nil {
			line = &Line{}
			s.Lines[l.LineId] = line
		}
		switch l.Account {
		case typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS:
			line.Charge -= l.Amount
		case typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION, typev1.LedgerAccount_LEDGER_ACCOUNT_BANK:
			line.Paid += l.Amount
		case typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL:
			line.Adjusted += l.Amount
		case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT:
			line.Patient += l.Amount
		case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE:
			line.Open += l.Amount
		}
	}
}

// Denied is what payers refused of a line, or of the claim as a whole, and have not undone: of each no more than is open with it there, since what was paid beside a denial is not
// denied, and what another payer owes was not refused by it.
func Denied(s State, lineID string) (sum int64) {
	refused := map[Payer]int64{}
	for _, p := range live(s) {
		for _, d := range p.Denied {
			if d.LineId == lineID {
				refused[p.Payer] += d.Amount
			}
		}
	}
	for p, amount := range refused {
		open := s.Open[Place{p, lineID}]
		if lineID == "" {
			open = Owed(s.Open, p)
		}
		sum += max(0, min(amount, open))
	}
	return sum
}

// placeOf is the receivable a leg moves; false: it moves none.
func placeOf(l *typev1.Leg) (Place, bool) {
	switch l.Account {
	case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE:
		return Place{Payer{l.PayerId, l.PayerSequence}, l.LineId}, true
	case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT:
		return Place{LineID: l.LineId}, true
	}
	return Place{}, false
}

func allocated(all []Allocation, paymentID string, amount int64) []Allocation {
	for i := range all {
		if all[i].PaymentID == paymentID {
			all[i].Amount += amount
			return all
		}
	}
	return append(all, Allocation{paymentID, amount})
}

// Owed is what one payer, or the patient, still owes on all lines.
func Owed(open map[Place]int64, p Payer) int64 {
	var sum int64
	for place, amount := range open {
		if place.Payer == p {
			sum += amount
		}
	}
	return sum
}

// settled says whether nobody owes anything and nobody has paid too much.
func settled(open map[Place]int64) bool {
	owed := map[Payer]int64{}
	for place, amount := range open {
		owed[place.Payer] += amount
	}
	for _, amount := range owed {
		if amount != 0 {
			return false
		}
	}
	return true
}

// Payers is the order in which payers are asked: those who decided before the move, and those responsible now.
func Payers(prior []*pb.PriorAdjudicationPosted, responsible []*intakev1.ResponsiblePayer) []Payer {
	var all []Payer
	for _, p := range prior {
		all = append(all, Payer{p.PayerId, p.PayerSequence})
	}
	for _, p := range responsible {
		all = append(all, Payer{p.PayerId, p.PayerSequence})
	}
	return inOrder(all)
}

func inOrder(all []Payer) []Payer {
	slices.SortStableFunc(all, func(a, b Payer) int { return int(a.Sequence) - int(b.Sequence) })
	return slices.CompactFunc(all, func(a, b Payer) bool { return a == b })
}

// live are the claim payments that count.
func live(s State) []*Payment {
	var out []*Payment
	for _, p := range s.Payments {
		if !p.Reversed && p.Claim != nil {
			out = append(out, p)
		}
	}
	return out
}
