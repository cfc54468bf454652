package claim

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

var (
	// Exists: a claim was made by a coded visit. Source: our own choice.
	Exists = refuse.Rule{ID: "claims.exists", Version: 1, Owner: "billing", NotFound: true}
	// Held: only a claim that is held can be released or scrubbed again. Source: our own choice.
	Held = refuse.Rule{ID: "claims.held", Version: 1, Owner: "billing"}
	// NotWithdrawn: nothing more is sent of a claim that was withdrawn or voided. Source: our own choice; what is open after it is billed anew, or asked of who comes next.
	NotWithdrawn = refuse.Rule{ID: "claims.not_withdrawn", Version: 1, Owner: "billing"}
	// NotInFlight: a version that the payer has and has not answered is not overtaken by another, unless the payer took it in under a number and its decision is overdue, or was
	// asked about it (ReportStatus). Source: payers deny the second as a duplicate (CARC 18).
	NotInFlight = refuse.Rule{ID: "claims.not_in_flight", Version: 2, Owner: "billing"}
	// LineKnown: a change is made to a line that the claim has. Source: our own choice.
	LineKnown = refuse.Rule{ID: "claims.line_known", Version: 1, Owner: "billing"}
	// ChangesSomething: a correction differs from what it corrects. Source: payers deny an equal claim as a duplicate (CARC 18).
	ChangesSomething = refuse.Rule{ID: "claims.changes_something", Version: 1, Owner: "billing"}
	// FirstPayersUnits: how much was done is said to the payer that is asked first; the claims after it repeat its lines. Source: our own choice; payers compare the lines (CARC 22, 23).
	FirstPayersUnits = refuse.Rule{ID: "claims.first_payers_units", Version: 1, Owner: "billing"}
	// WholeUnits: a service that is counted by sessions or by time is billed in whole units. Source: CPT's time rules; parts of a unit are for drugs and anesthesia. Checked 2026-11-24.
	WholeUnits = refuse.Rule{ID: "claims.whole_units", Version: 1, Owner: "billing"}
	// WholeCents: a changed number of units has a price. Source: our own choice; nothing is rounded.
	WholeCents = refuse.Rule{ID: "claims.whole_cents", Version: 1, Owner: "billing"}
	// StillBilled: the claim to the payer before this one stands. Fails when that one was taken back while this payer is at work on this one; a person looks.
	// Source: our own choice.
	StillBilled = refuse.Rule{ID: "claims.still_billed", Version: 1, Owner: "billing"}
	// TakenIn: payer and clearinghouse take the claim in. Fails with their rejection, and holds the claim. Source: 999 and 277CA.
	TakenIn = refuse.Rule{ID: "claims.taken_in", Version: 1, Owner: "billing"}
	// EarlierPayersUnchanged: what earlier payers decided is what this payer was told. Fails when they decide anew after this claim went out; a person looks.
	// Source: our own choice.
	EarlierPayersUnchanged = refuse.Rule{ID: "claims.earlier_payers_unchanged", Version: 1, Owner: "billing"}
)

// Opening is what a coded visit, or an earlier payer's decision, asks for.
type Opening struct {
	Created      *pb.ClaimCreated
	Scrub        edits.Facts
	InForce      []*postingv1.ClaimPaymentPosted // the payer's own decisions
	RemittanceID string                          // of the earlier payer's decision that asks for it; empty: another fact does
	IfLeft       bool                            // only where the earlier payers left something to ask for
}

// Open makes the claim, scrubs it, and sends or holds it. A claim that is there already changes nothing, unless earlier payers have decided anew.
func Open(s State, o Opening) ([]es.Event, error) {
	if s.Created != nil {
		return earlierPayersAgain(s, o), nil
	}
	if o.IfLeft && leftTo(o.Created.Content).of("") == 0 {
		return nil, nil
	}
	events := []es.Event{o.Created}
	if found := o.Scrub.Coverage; found != nil {
		events = append(events, detected(State{}.with(o.Created), found))
	}
	return append(events, scrub(State{}.with(events...), o.Scrub)...), nil
}

// earlierPayersAgain takes over what earlier payers decided anew; not what they told a payer that got the claim from them, whose answer came here before theirs. What was not sent is scrubbed and sent with it; what was sent is held for a person.
func earlierPayersAgain(s State, o Opening) []es.Event {
	if s.Withdrawn || s.CrossedOver && len(s.Content.PriorPayers) == 0 || proto.Equal(&pb.ClaimContent{PriorPayers: s.Content.PriorPayers}, &pb.ClaimContent{PriorPayers: o.Created.Content.PriorPayers}) {
		return nil
	}
	next := proto.Clone(s.Content).(*pb.ClaimContent)
	next.PriorPayers, next.PriorCoverageMemberIds, next.PriorSubscribers = o.Created.Content.PriorPayers, o.Created.Content.PriorCoverageMemberIds, o.Created.Content.PriorSubscribers
	if !slices.EqualFunc(next.Lines, o.Created.Content.Lines, sameUnits) { // the first payer's claim was corrected
		next.Lines, next.ChargeAmount = o.Created.Content.Lines, o.Created.Content.ChargeAmount
	}
	if s.VoidRefused { // what the payer has is asked for anew, not taken back
		next.FrequencyCode = pb.FrequencyCode_FREQUENCY_CODE_REPLACEMENT
	}
	replaces(s, next)
	prepared, held := prepare(s, next, "an earlier payer decided anew"), s.Held
	s = s.with(prepared...)
	less := lessened(s, o.InForce, o.RemittanceID)
	prepared, s = append(prepared, less...), s.with(less...)
	if s.Sent == 0 {
		return append(prepared, scrub(s, o.Scrub, kept(held)...)...)
	}
	var why refuse.List
	why.If(true, EarlierPayersUnchanged, "prior_payers", "an earlier payer decided anew after this claim was sent: release it to send what it says now")
	return append(prepared, hold(s, append(why.Reasons(), kept(held, EarlierPayersUnchanged)...)))
}

func sameUnits(a, b *typev1.ServiceLine) bool {
	return a.LineId == b.LineId && a.UnitsThousandths == b.UnitsThousandths && a.ChargeAmount == b.ChargeAmount
}

// scrub runs the edits on the current version, and sends or holds it; it holds it also for what no edit judges.
func scrub(s State, f edits.Facts, besides ...*problemv1.Reason) []es.Event {
	failures := edits.Scrub(s.Content, f)
	reasons := edits.Blocking(failures)
	events := []es.Event{&pb.ClaimScrubbed{ClaimId: s.Created.ClaimId, ClaimVersion: s.Version, Clean: len(reasons) == 0, Edits: failures, RulePack: edits.Pack}}
	if reasons = append(reasons, besides...); len(reasons) > 0 {
		return append(events, hold(s, reasons))
	}
	if s.Held != nil {
		events = append(events, &pb.ClaimReleased{ClaimId: s.Created.ClaimId, Reason: "scrubbed again: clean"})
	}
	return append(events, send(s))
}

// byPeople are what holds a claim until a person releases, corrects or voids it, or the payer speaks: no edit judges it.
var byPeople = []refuse.Rule{StillBilled, EarlierPayersUnchanged, OnFile, TakenOut}

// kept are the reasons of a hold that another look at the claim does not end, without one that is said anew.
func kept(held *pb.ClaimHeld, anew ...refuse.Rule) []*problemv1.Reason {
	var out []*problemv1.Reason
	for _, r := range held.GetReasons() {
		is := func(rule refuse.Rule) bool { return rule.ID == r.RuleId }
		if slices.ContainsFunc(byPeople, is) && !slices.ContainsFunc(anew, is) {
			out = append(out, r)
		}
	}
	return out
}

func hold(s State, reasons []*problemv1.Reason) *pb.ClaimHeld {
	return &pb.ClaimHeld{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, ChargeAmount: s.Content.ChargeAmount,
		Reasons: reasons, TimelyFilingDueDate: s.Created.TimelyFilingDueDate, ClaimVersion: s.Version,
	}
}

func send(s State) *pb.SubmissionRequested {
	return &pb.SubmissionRequested{ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, ClaimVersion: s.Version, Content: s.Content}
}

// prepare makes the next version; a closed claim is open again with it.
func prepare(s State, content *pb.ClaimContent, reason string) []es.Event {
	var events []es.Event
	if s.Closed {
		events = append(events, &pb.ClaimReopened{ClaimId: s.Created.ClaimId, Reason: "version " + fmt.Sprint(s.Version+1) + " is prepared"})
	}
	return append(events, &pb.CorrectedClaimPrepared{ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, ClaimVersion: s.Version + 1, Content: content, Reason: reason})
}

// Release sends a held claim as it is. What went out before goes out as a version of its own, as a replacement where the payer has decided an earlier one.
func Release(s State, c *pb.ReleaseClaimRequest) ([]es.Event, error) {
	if s.Created == nil {
		return nil, missing(c.ClaimId)
	}
	var no refuse.List
	no.If(s.Held == nil, Held, "", "claim %s is not held", c.ClaimId)
	if s.Held != nil {
		notInFlight(&no, s)
	}
	content := proto.Clone(s.Content).(*pb.ClaimContent)
	replaces(s, content)
	no.If(content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL && content.PayerClaimControlNumber == "", edits.ReplacesKnown, "",
		"the payer's claim number is not known: wait for its answer")
	no.If(content.PayerId == edits.Unnamed, edits.PayerNamed, "", edits.NamePayer, content.PayerSequence)
	if no.Any() {
		return no.Or()
	}
	var events []es.Event
	if s.Sent == s.Version || !proto.Equal(content, s.Content) {
		prepared := prepare(s, content, "released: "+c.Reason)
		events, s = append(events, prepared...), s.with(prepared...)
	}
	return append(events, &pb.ClaimReleased{ClaimId: c.ClaimId, Reason: c.Reason}, send(s)), nil
}

// replaces makes the content a replacement of the payer's decision in force, or of what it took in, where it has an earlier version; a void stays one. A number of a decision that another one
// has taken the place of would have the payer pay beside it.
func replaces(s State, content *pb.ClaimContent) {
	if s.Anew {
		content.FrequencyCode, content.PayerClaimControlNumber = pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL, ""
	}
	if !hasSome(s) {
		return
	}
	if content.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL {
		content.FrequencyCode = pb.FrequencyCode_FREQUENCY_CODE_REPLACEMENT
	}
	content.PayerClaimControlNumber = s.PayerNumber
}

// Again is a held claim that is scrubbed again, with what is known now.
type Again struct {
	ClaimID string
	Fresh   *pb.ClaimContent // as it would be made now; nil: the facts are not there
	Scrub   edits.Facts
}

// Rescrub takes over what has changed and scrubs again. Nothing changed, nothing happens.
func Rescrub(s State, a Again) ([]es.Event, error) {
	if s.Created == nil {
		return nil, missing(a.ClaimID)
	}
	if s.Held == nil {
		return nil, refuse.Because(Held, "", "claim %s is not held", a.ClaimID)
	}
	return again(s, a), nil
}

// RescrubIfHeld is Rescrub where nobody asked: a fact has changed.
func RescrubIfHeld(s State, a Again) ([]es.Event, error) {
	if s.Created == nil || s.Held == nil {
		return nil, nil
	}
	return again(s, a), nil
}

func again(s State, a Again) []es.Event {
	if s.InFlight {
		return nil // held behind a version that the payer has
	}
	content := refreshed(s, a.Fresh, a.Scrub)
	replaces(s, content)
	changed := !proto.Equal(content, s.Content)
	if s.Sent == s.Version && !changed { // rejected, and nothing is different
		return nil
	}
	var events []es.Event
	besides := kept(s.Held)
	if changed {
		prepared := prepare(s, content, "facts have changed")
		events, s = append(events, prepared...), s.with(prepared...)
	} else {
		found := &pb.ClaimScrubbed{Edits: edits.Scrub(content, a.Scrub)}
		if proto.Equal(found, &pb.ClaimScrubbed{Edits: s.Scrubbed.GetEdits()}) {
			return nil
		}
	}
	return append(events, scrub(s, a.Scrub, besides...)...)
}

// refreshed is the content with providers, people, payer and authorization as they are now. Lines stay: they were coded, or corrected by a person.
func refreshed(s State, fresh *pb.ClaimContent, f edits.Facts) *pb.ClaimContent {
	c := proto.Clone(s.Content).(*pb.ClaimContent)
	if fresh == nil || c.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_VOID { // which repeats what the payer has
		return c
	}
	ours := slices.ContainsFunc(f.Authorizations, func(a edits.Authorization) bool { return !a.Covers && a.Number == c.AuthorizationNumber })
	if c.AuthorizationNumber == "" || ours {
		c.AuthorizationNumber = fresh.AuthorizationNumber
	}
	c.PayerName, c.EdiPayerId, c.ReceiverId, c.FilingIndicator = fresh.PayerName, fresh.EdiPayerId, fresh.ReceiverId, fresh.FilingIndicator
	c.BillingProvider, c.RenderingProvider, c.SupervisingProvider, c.ServiceLocation = fresh.BillingProvider, fresh.RenderingProvider, fresh.SupervisingProvider, fresh.ServiceLocation
	c.Relationship, c.Person = fresh.Relationship, fresh.Person
	if proto.Equal(&pb.ClaimContent{PriorPayers: c.PriorPayers}, &pb.ClaimContent{PriorPayers: fresh.PriorPayers}) {
		c.PriorCoverageMemberIds, c.PriorSubscribers = fresh.PriorCoverageMemberIds, fresh.PriorSubscribers
	}
	return c
}

func missing(id string) error {
	return refuse.Because(Exists, "claim_id", "there is no claim %s: claims are made by coded visits", id)
}

// Correct prepares a new version with changed lines, scrubs it, and sends or holds it.
func Correct(s State, c *pb.CorrectClaimRequest, f edits.Facts) ([]es.Event, error) {
	if s.Created == nil {
		return nil, missing(c.ClaimId)
	}
	f.Today = c.Today
	var no refuse.List
	content := proto.Clone(s.Content).(*pb.ClaimContent)
	if c.AuthorizationNumber != "" {
		content.AuthorizationNumber = c.AuthorizationNumber
	}
	for i, l := range c.Lines {
		change(&no, content, l, fmt.Sprintf("lines[%d]", i))
	}
	fitting(&no, s, c, content, f)
	no.If(!no.Any() && proto.Equal(content, s.Content), ChangesSomething, "lines", "nothing differs from version %d: say what does; remove_modifiers takes all modifiers off a line", s.Version)
	if content.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_VOID { // which the payer has rejected
		content.FrequencyCode = pb.FrequencyCode_FREQUENCY_CODE_REPLACEMENT
	}
	replaces(s, content)
	mayPrepare(&no, s, content)
	if no.Any() {
		return no.Or()
	}
	prepared := prepare(s, content, c.Reason)
	return append(prepared, scrub(s.with(prepared...), f)...), nil
}

func change(no *refuse.List, content *pb.ClaimContent, l *pb.LineChange, field string) {
	for _, line := range content.Lines {
		if line.LineId != l.LineId {
			continue
		}
		if len(l.Modifiers) > 0 || l.RemoveModifiers {
			line.Modifiers = l.Modifiers
		}
		if len(l.DiagnosisPointers) > 0 {
			line.DiagnosisPointers = l.DiagnosisPointers
		}
		if l.PlaceOfService != "" {
			if line.PlaceOfService == content.PlaceOfService && line == content.Lines[0] {
				content.PlaceOfService = l.PlaceOfService // the claim's is the first line's
			}
			line.PlaceOfService = l.PlaceOfService
		}
		if l.AuthorizationNumber != "" {
			line.AuthorizationNumber = l.AuthorizationNumber
		}
		if l.UnitsThousandths > 0 && line.UnitsThousandths > 0 {
			product, divisor := line.ChargeAmount*int64(l.UnitsThousandths), int64(line.UnitsThousandths)
			no.If(len(content.PriorPayers) > 0 && product/divisor != line.ChargeAmount, FirstPayersUnits, field+".units_thousandths",
				"an earlier payer has decided on the units: correct the claim to that payer, this one follows when it decides anew")
			no.If(l.UnitsThousandths%1000 != 0, WholeUnits, field+".units_thousandths", "%d thousandths: a service is billed in whole units, 1000 is one", l.UnitsThousandths)
			no.If(product%divisor != 0, WholeCents, field+".units_thousandths", "%s for %d thousandths of a unit is no whole number of cents for %d: void the claim and bill the visit anew",
				money.Format(line.ChargeAmount), divisor, l.UnitsThousandths)
			charge := product / divisor
			content.ChargeAmount += charge - line.ChargeAmount
			line.ChargeAmount, line.UnitsThousandths = charge, l.UnitsThousandths
		}
		return
	}
	no.If(true, LineKnown, field+".line_id", "the claim has no line %s", l.LineId)
}

func mayPrepare(no *refuse.List, s State, content *pb.ClaimContent) {
	no.If(s.Withdrawn, NotWithdrawn, "", "%s", afterwards(s))
	notInFlight(no, s)
	no.If(content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL && content.PayerClaimControlNumber == "", edits.ReplacesKnown, "",
		"the payer decided the claim and its number for it is not known: ask the payer")
}

func notInFlight(no *refuse.List, s State) {
	const report = "ask it, and report what it says (POST /v1/claims/%s/status-reports)"
	switch {
	case !s.InFlight || silent(s):
	case s.Recall != nil:
		no.If(true, NotInFlight, "", "version %d is being taken out of the next file to the payer: in a moment it is, or has gone", s.Sent)
	case s.Files[s.Sent] == "":
		no.If(true, NotInFlight, "", "version %d waits for the next file to the payer: wait for its answer, or void the claim", s.Sent)
	case s.Overdue[overdue(waitAcknowledgment, s.Sent)] || s.Overdue[overdue(waitRemittance, s.Sent)]:
		no.If(true, NotInFlight, "", "version %d was sent on %s, and the payer has not said that it has it: "+report, s.Sent, s.Files[s.Sent], s.Created.ClaimId)
	default:
		no.If(true, NotInFlight, "", "the payer has version %d and has not answered: wait for its rejection or decision, or "+report, s.Sent, s.Created.ClaimId)
	}
}

// silent says whether the payer has the version that was sent last, under a number that is known, and does not decide it.
func silent(s State) bool {
	return s.InFlight && s.PayerNumber != "" && (s.OnFile || s.Accepted && s.Overdue[overdue(waitRemittance, s.Sent)])
}

// hasSome says whether the payer has a version that the next one replaces or voids.
func hasSome(s State) bool {
	return !s.Anew && (s.EverDecided || silent(s) || s.Content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL)
}

// afterwards says what became of a claim that was taken back, and of its charge.
func afterwards(s State) string {
	switch {
	case !s.Closed && s.Held != nil:
		return fmt.Sprintf("version %d is a void that is held: mend what holds it, or release it", s.Version)
	case !s.Closed:
		return fmt.Sprintf("version %d is a void that is on its way: the charge stands until the payer has answered it", s.Version)
	case chargeStands(s):
		return "the claim was taken back, and the charge stands with what earlier payers left: ask the next payer or the patient, or write the rest off"
	default:
		return "the claim was taken back, and its charge with it: bill the visit anew"
	}
}

// chargeStands says whether taking this claim back leaves its charge on the account.
func chargeStands(s State) bool { return len(s.Content.PriorPayers) > 0 && !s.ChargeVoided }

// withdrawn closes a claim that was taken back.
func withdrawn(s State, reason string) *pb.ClaimClosed {
	var denied []string
	for _, d := range s.Denials {
		if !slices.Contains(denied, d.LineId) {
			denied = append(denied, d.LineId)
		}
	}
	return &pb.ClaimClosed{
		ClaimId: s.Created.ClaimId, Reason: reason, Withdrawn: true, DeniedLineIds: denied, ChargeAmount: s.Content.ChargeAmount, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId,
		ChargeStands: chargeStands(s),
	}
}

// Void takes a claim back: at the payer where it decided one, else by closing it, once it is sure that no file has it. With the first payer's claim the charge goes too, and the claims to later payers follow.
func Void(s State, c *pb.VoidClaimRequest, f edits.Facts) ([]es.Event, error) {
	if s.Created == nil {
		return nil, missing(c.ClaimId)
	}
	f.Today = c.Today
	s.ChargeVoided = s.ChargeVoided || slices.ContainsFunc(s.Held.GetReasons(), func(r *problemv1.Reason) bool { return r.RuleId == StillBilled.ID })
	if waits(s) && !s.Withdrawn && !s.Recall.GetVoid() {
		return []es.Event{toVoid(s, c.Reason)}, nil
	}
	return takeBack(s, c.Reason, f)
}

func takeBack(s State, reason string, f edits.Facts) ([]es.Event, error) {
	content := proto.Clone(s.Content).(*pb.ClaimContent)
	if replaces(s, content); hasSome(s) {
		content.FrequencyCode, content.PayerClaimControlNumber = pb.FrequencyCode_FREQUENCY_CODE_VOID, s.PayerNumber
	}
	var no refuse.List
	mayPrepare(&no, s, content)
	if no.Any() {
		return no.Or()
	}
	if !hasSome(s) {
		return []es.Event{withdrawn(s, withdrawnReason+": "+reason)}, nil
	}
	prepared := prepare(s, content, reason)
	prepared[len(prepared)-1].(*pb.CorrectedClaimPrepared).ChargeVoided = s.ChargeVoided
	return append(prepared, scrub(s.with(prepared...), f)...), nil
}

// Follow takes the claim to a later payer back, because the visit is billed no more. What that payer is at work on is held for a person.
func Follow(s State, f edits.Facts) ([]es.Event, error) {
	switch {
	case s.Created == nil || s.Withdrawn:
		return nil, nil
	case !s.InFlight && (!hasSome(s) || s.PayerNumber != ""):
		s.ChargeVoided = true
		return takeBack(s, "the visit is billed no more", f)
	case s.Held != nil || s.Recall.GetVoid():
		return nil, nil
	case waits(s):
		s.ChargeVoided = true
		return []es.Event{toVoid(s, "the visit is billed no more")}, nil
	}
	return []es.Event{stillBilled(s)}, nil
}

func stillBilled(s State) *pb.ClaimHeld {
	var why refuse.List
	why.If(true, StillBilled, "", "the visit is billed no more, and the payer has this claim: void it when the payer has answered, or when it was asked and its status is reported")
	return hold(s, why.Reasons())
}
