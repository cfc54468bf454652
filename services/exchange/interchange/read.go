package interchange

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/ack"
)

// Interpret reads a kept file: the facts in it, and a word on every answer that is about nothing of ours. Answers that a partner sends by itself are about what we sent, so
// where ours is not known yet it is waited for; a file that a person brings may be about anything.
func Interpret(e *pb.InterchangeReceived, data []byte, look es.Look) ([]es.Event, error) {
	file, _ := open(data)
	r := &reader{received: e, look: look}
	for n, set := range file.Sets() {
		r.set, r.ordinal = set, n+1
		switch set.Kind {
		case x12.K999:
			r.functional()
		case x12.K277CA:
			r.claimAnswers()
		case x12.K271:
			r.eligibility()
		case x12.K835:
			r.remittance()
		case x12.K837P:
			r.claims()
		}
		if r.wait != nil {
			return nil, r.wait
		}
	}
	if len(r.unknown) > 0 {
		r.facts = append(r.facts, &pb.AnswersUnknown{InterchangeId: e.InterchangeId, Findings: r.unknown})
	}
	return r.facts, nil
}

type reader struct {
	received *pb.InterchangeReceived
	look     es.Look
	set      *x12.Set
	ordinal  int // of the set in the file
	facts    []es.Event
	unknown  []*pb.Finding
	wait     error // first thing that is not there yet
}

// source names bytes of the file.
func (r *reader) source(at x12.Source, segment string) *typev1.Source {
	return &typev1.Source{
		InterchangeId: r.received.InterchangeId, FileSha256: r.received.FileSha256, InterchangeControlNumber: r.set.Group.Interchange.Control,
		GroupControlNumber: r.set.Group.Control, SetControlNumber: r.set.Control, Offset: at.Offset, Length: at.Length, Segment: segment,
	}
}

func (r *reader) miss(at x12.Source, segment, code, format string, args ...any) {
	r.unknown = append(r.unknown, &pb.Finding{Code: code, Severity: "warning", Message: fmt.Sprintf(format, args...), Offset: at.Offset, Length: at.Length, Segment: segment})
}

func (r *reader) partner() bool { return r.received.Channel == Partner }

// find looks a key up; where it is not there and a partner speaks of it, the file waits.
func find[S any](r *reader, m es.Mirror[S], key string) (S, bool) {
	s, there := es.Find(r.look, m, key)
	if !there && r.partner() && r.wait == nil {
		r.wait = es.Wait(m, key)
	}
	return s, there
}

// ours is the claim that a number means, and how it was recognized.
func (r *reader) ours(number, payerNumber string) (o Ours, matchedBy string) {
	if s, there := es.Find(r.look, ClaimMirror, "n:"+number); there && s[number].ClaimID != "" {
		return s[number], "patient_control_number"
	}
	if s, _ := es.Find(r.look, ClaimMirror, "l:"+Loose(number)); Loose(number) != "" && len(s) == 1 {
		for _, o := range s {
			return o, "trimmed"
		}
	}
	if payerNumber != "" {
		if s, _ := es.Find(r.look, NumberMirror, payerNumber); len(s) == 1 {
			for own := range s {
				if o, _ := r.ours(own, ""); o.ClaimID != "" {
					return o, "payer_claim_control_number"
				}
			}
		}
	}
	if number != "" {
		find(r, ClaimMirror, "n:"+number) // a partner's word on a claim of ours: it will be known
	}
	return Ours{}, ""
}

// functional reads a 999: an answer to one of our groups.
func (r *reader) functional() {
	f, _ := ack.Parse999(r.set)
	if f == nil {
		return
	}
	sent, there := find(r, SentMirror, "g:"+r.set.Group.Interchange.Sender+"/"+trimNumber(f.GroupControl))
	if !there {
		r.miss(f.Source, "AK1", "999.group_unknown", "group %s is none that we sent to %s", f.GroupControl, r.set.Group.Interchange.Sender)
		return
	}
	if len(f.Sets) == 0 { // one word for all sets of the group
		status := f.Status
		if status == ack.Partly {
			status = ack.WithErrors
		}
		r.acknowledge(sent.Claims, status, f.Codes, f.Source, "AK9")
		return
	}
	for _, a := range f.Sets {
		r.acknowledge(slices.DeleteFunc(slices.Clone(sent.Claims), func(c *pb.SentClaim) bool { return trimNumber(c.SetControlNumber) != trimNumber(a.Control) }),
			a.Status, setCodes(a), a.Source, "IK5")
	}
}

// trimNumber is a control number without leading zeros: some senders drop them.
func trimNumber(n string) string {
	if i, err := strconv.Atoi(strings.TrimSpace(n)); err == nil {
		return strconv.Itoa(i)
	}
	return n
}

func (r *reader) acknowledge(claims []*pb.SentClaim, status ack.Status, codes []string, at x12.Source, segment string) {
	for _, c := range claims {
		r.facts = append(r.facts, &pb.SetAcknowledged{
			InterchangeId: r.received.InterchangeId, ClaimId: c.ClaimId, ClaimVersion: c.ClaimVersion, Status: string(status), Codes: codes, Source: r.source(at, segment),
		})
	}
}

// setCodes say where and what: segment:position:loop:code, with :element:code for each element.
func setCodes(a ack.SetAnswer) []string {
	var out []string
	for _, e := range a.Errors {
		at := fmt.Sprintf("%s:%d:%s:%s", e.SegmentID, e.Position, e.Loop, e.Code)
		if len(e.Elements) == 0 {
			out = append(out, at)
		}
		for _, x := range e.Elements {
			out = append(out, fmt.Sprintf("%s:%d:%s", at, x.Element, x.Code))
		}
	}
	for _, c := range a.Codes {
		out = append(out, "set:"+c)
	}
	return out
}

// claimAnswers reads a 277CA.
func (r *reader) claimAnswers() {
	a, _ := ack.Parse277CA(r.set)
	if a == nil {
		return
	}
	level := claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_PAYER
	if a.Source.Role == "AY" {
		level = claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_CLEARINGHOUSE
	}
	for _, to := range a.Receivers {
		sent, _ := es.Find(r.look, SentMirror, "r:"+r.set.Group.Interchange.Sender+"/"+to.Trace)
		told := 0
		for _, p := range to.Providers {
			for i := range p.Claims {
				told++
				r.claimAnswer(&p.Claims[i], sent, level)
			}
		}
		if batch := (ack.Claim{Statuses: to.Statuses}); told == 0 && len(to.Statuses) > 0 && sent != nil && !batch.Accepted() { // the batch as a whole was turned away
			for _, c := range sent.Claims {
				r.facts = append(r.facts, &pb.ClaimStatusReceived{
					InterchangeId: r.received.InterchangeId, ClaimId: c.ClaimId, ClaimVersion: c.ClaimVersion, Level: level, StatusCodes: statusCodes(to.Statuses),
					PatientControlNumber: c.PatientControlNumber, Source: r.source(a.Bytes, "STC"),
				})
			}
		}
	}
}

func (r *reader) claimAnswer(c *ack.Claim, sent *pb.InterchangeSent, level claimsv1.AcknowledgmentLevel) {
	own, _ := r.ours(c.Number, c.PayerClaimNumber)
	if own.ClaimID == "" {
		r.miss(c.Bytes, "TRN", "277ca.claim_unknown", "claim %d of the answer is none of ours", len(r.facts)+len(r.unknown)+1)
		return
	}
	version := own.Version
	if i := slices.IndexFunc(sent.GetClaims(), func(s *pb.SentClaim) bool { return s.ClaimId == own.ClaimID }); i >= 0 {
		version = sent.Claims[i].ClaimVersion
	}
	codes := statusCodes(c.Statuses)
	for _, l := range c.Lines {
		codes = append(codes, statusCodes(l.Statuses)...)
	}
	r.facts = append(r.facts, &pb.ClaimStatusReceived{
		InterchangeId: r.received.InterchangeId, ClaimId: own.ClaimID, ClaimVersion: version, Level: level, Accepted: c.Accepted(), StatusCodes: codes,
		PayerClaimControlNumber: c.PayerClaimNumber, PatientControlNumber: c.Number, Source: r.source(c.Bytes, "STC"),
	})
}

func statusCodes(statuses []ack.ClaimStatus) []string {
	var out []string
	for _, s := range statuses {
		for _, reason := range s.Reasons {
			code := strings.TrimRight(reason.Category+":"+reason.Code+":"+reason.Entity, ":")
			if !slices.Contains(out, code) {
				out = append(out, code)
			}
		}
	}
	return out
}

// answerFindings are what is wrong inside an acknowledgment.
func answerFindings(set *x12.Set) x12.Diagnostics {
	switch set.Kind {
	case x12.K999:
		_, found := ack.Parse999(set)
		return found
	case x12.K277CA:
		_, found := ack.Parse277CA(set)
		return found
	}
	return nil
}
