package interchange

import (
	"slices"
	"strings"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	payersimv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

// React takes in what the partner sends, and reads what was taken in.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *payersimv1.ResponseIssued:
		if len(e.Data) == 0 { // its key was destroyed
			return nil, nil
		}
		return []es.Command{es.Do(Stream, ID(Hash(e.Data)), Receive, Incoming{Data: e.Data, Channel: Partner, Today: r.OccurredOn, Cuts: cuts(e.Data, look)})}, nil
	case *pb.InterchangeReceived:
		parts, _ := es.Find(look, pieces.Mirror, e.InterchangeId)
		data, whole := parts.Join(e.Size)
		if !whole {
			return nil, es.Wait(pieces.Mirror, e.InterchangeId)
		}
		if parts.Hole(0, e.Size) { // a key was destroyed before the file was read
			return nil, nil
		}
		facts, err := Interpret(e, data, look)
		if err != nil || len(facts) == 0 {
			return nil, err
		}
		return []es.Command{es.Do(Stream, e.InterchangeId, Record, facts)}, nil
	}
	return nil, nil
}

// Partner is the channel of files that a partner sends by itself.
const Partner = "partner"

// Ours is a claim of ours, as an answer may name it.
type Ours struct {
	ClaimID, PatientID, PayerID string
	Version                     int32 // the last that was to go out; 0: none yet
}

// Claims are claims by patient control number.
type Claims map[string]Ours

// ClaimMirror has our claims by patient control number: exactly ("n:"), and without blanks, leading zeros and lower case ("l:").
var ClaimMirror = es.Mirror[Claims]{
	Name: "exchange.claim",
	Keys: func(r es.Recorded) []string {
		number := ""
		switch e := r.Event.(type) {
		case *claimsv1.ClaimCreated:
			number = e.Content.GetPatientControlNumber()
		case *pb.ClaimQueued:
			number = e.Content.GetPatientControlNumber()
		}
		if number == "" {
			return nil
		}
		return []string{"n:" + number, "l:" + Loose(number)}
	},
	Evolve: func(s Claims, event es.Event) Claims {
		if s == nil {
			s = Claims{}
		}
		switch e := event.(type) {
		case *claimsv1.ClaimCreated:
			if n := e.Content.GetPatientControlNumber(); s[n].Version == 0 {
				s[n] = Ours{e.ClaimId, e.PatientId, e.Content.GetPayerId(), 0}
			}
		case *pb.ClaimQueued:
			if n := e.Content.GetPatientControlNumber(); s[n].Version < e.ClaimVersion {
				s[n] = Ours{e.ClaimId, e.PatientId, e.Content.GetPayerId(), e.ClaimVersion}
			}
		}
		return s
	},
}

// Loose is a number as payers may give it back.
func Loose(number string) string {
	return strings.TrimLeft(strings.ToUpper(strings.TrimSpace(number)), "0")
}

// SentMirror has our files, by receiver and group number ("g:") and by receiver and reference ("r:").
var SentMirror = es.Mirror[*pb.InterchangeSent]{
	Name: "exchange.sent",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.InterchangeSent); ok {
			return []string{"g:" + e.ReceiverId + "/" + e.GroupControlNumber, "r:" + e.ReceiverId + "/" + e.Reference}
		}
		return nil
	},
	Evolve: func(_ *pb.InterchangeSent, event es.Event) *pb.InterchangeSent { return event.(*pb.InterchangeSent) },
}

// NumberMirror has our claims by the number that a payer gave them.
var NumberMirror = es.Mirror[Claims]{
	Name: "exchange.payer_number",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.ClaimStatusReceived); ok && e.PayerClaimControlNumber != "" {
			return []string{e.PayerClaimControlNumber}
		}
		return nil
	},
	Evolve: func(s Claims, event es.Event) Claims {
		e := event.(*pb.ClaimStatusReceived)
		if s == nil {
			s = Claims{}
		}
		s[e.PatientControlNumber] = Ours{ClaimID: e.ClaimId, Version: e.ClaimVersion}
		return s
	},
}

// QuestionMirror has eligibility questions, by eligibility_check_id.
var QuestionMirror = es.Mirror[*intakev1.EligibilityRequested]{
	Name: "exchange.question",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.InquiryQueued); ok {
			return []string{e.Request.GetEligibilityCheckId()}
		}
		return nil
	},
	Evolve: func(_ *intakev1.EligibilityRequested, event es.Event) *intakev1.EligibilityRequested {
		return event.(*pb.InquiryQueued).Request
	},
}

// PayerMirror has payer ids by EDI payer id ("id:") and by name ("name:"), in capitals.
var PayerMirror = es.Mirror[[]string]{
	Name: "exchange.payer",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.PayerRegistered); ok {
			return []string{"id:" + capitals(e.EdiPayerId), "name:" + capitals(e.Name)}
		}
		return nil
	},
	Evolve: func(s []string, event es.Event) []string {
		if id := event.(*registryv1.PayerRegistered).PayerId; !slices.Contains(s, id) {
			s = append(s, id)
		}
		return s
	},
}

func capitals(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }

// Mirrors are all of them.
var Mirrors = []es.AnyMirror{pieces.Mirror, ClaimMirror, SentMirror, NumberMirror, QuestionMirror, PayerMirror, PriorMirror, VisitMirror}
