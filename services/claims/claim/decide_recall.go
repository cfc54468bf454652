package claim

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// TakenOut: a version that is to be held or taken back has not gone out. Fails when its file went before that was heard, and holds the claim. Source: our own choice; only the
// exchange knows what is in a file (docs/decisions/0004).
var TakenOut = refuse.Rule{ID: "claims.taken_out", Version: 1, Owner: "billing"}

// waits says whether the version that was sent last is in no file, as far as is known here.
func waits(s State) bool { return s.InFlight && s.Files[s.Sent] == "" && !s.Accepted }

// toVoid asks the exchange for a version that waits, to take the claim back.
func toVoid(s State, reason string) *pb.SubmissionRecalled {
	r := recalled(s)
	r.AwaitsAnswer, r.Void, r.Reason, r.ChargeVoided = true, true, reason, s.ChargeVoided
	return r
}

// toHold asks the exchange for a version that waits, because its coverage is not what it seemed.
func toHold(s State) *pb.SubmissionRecalled {
	r := recalled(s)
	r.AwaitsAnswer, r.Reason = true, "its coverage has changed"
	return r
}

// Unsent is a version that the exchange has taken out of what waits, and what the claim would be made of and judged by now.
type Unsent struct {
	Version int32
	Again
}

// Withdrawn does with a version that has not gone out what was to be done: it takes the claim back, or makes a version that is scrubbed with the facts of now.
func Withdrawn(s State, u Unsent) ([]es.Event, error) {
	recall := s.Recall
	if s.Created == nil || recall == nil || recall.ClaimVersion != u.Version {
		return nil, nil // nobody waits for it
	}
	events := []es.Event{&pb.SubmissionWithdrawn{ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, ClaimVersion: u.Version}}
	s = s.with(events...)
	if !recall.Void {
		content := refreshed(s, u.Fresh, u.Scrub)
		replaces(s, content)
		prepared := prepare(s, content, "the one before was taken out of its file: "+recall.Reason)
		return append(events, append(prepared, scrub(s.with(prepared...), u.Scrub)...)...), nil
	}
	s.ChargeVoided = s.ChargeVoided || recall.ChargeVoided
	void, err := takeBack(s, recall.Reason, u.Scrub)
	if err != nil { // it can't be taken back at the payer yet: a person sees why
		void = []es.Event{hold(s, refuse.Reasons(err))}
	}
	return append(events, void...), nil
}

// wentOut is what follows where the version had gone: a void is for a person to ask for again, a changed coverage is told of as of what the payer has.
func wentOut(s State, recall *pb.SubmissionRecalled) []es.Event {
	switch {
	case recall.Void && recall.ChargeVoided:
		return []es.Event{stillBilled(s)}
	case recall.Void:
		var why refuse.List
		why.If(true, TakenOut, "", "version %d went out before it could be taken out of its file (%s): void the claim when the payer has answered, or when it was asked and its status is reported", recall.ClaimVersion, recall.Reason)
		return []es.Event{hold(s, append(why.Reasons(), kept(s.Held, TakenOut)...))}
	case s.Coverage != nil:
		return []es.Event{detected(s, proto.CloneOf(s.Coverage))}
	}
	return nil
}
