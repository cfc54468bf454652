package partner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

// A batch goes when it is full, or some time after its first claim came. Source: our own choice, 2026-11-24; one file an hour and receiver is few, one a claim is many.
const (
	full = 100
	wait = 30 * time.Minute
)

// SenderID is our id in every envelope (ISA06).
const SenderID = "EVENKEEL"

// dataMissing is AAA03: the question lacks required data. Source: ASC X12 005010X279A1, element 901.
const dataMissing = "15"

// Usage is ISA15 of all that we send: P, production. The receivers of a sandbox are simulated, so their files are no tests either.
const Usage = "P"

// Submission is a claim version that is to go out.
type Submission struct {
	ReceiverID string
	Claim      *claimsv1.SubmissionRequested
	At         time.Time
}

// Queue lets a claim version wait for its batch, once; a full batch goes at once.
func Queue(s State, c Submission) ([]es.Event, error) {
	r := c.Claim
	if r.ClaimVersion <= s.Versions[r.ClaimId] {
		return nil, nil
	}
	queued := &pb.ClaimQueued{
		ReceiverId: c.ReceiverID, ClaimId: r.ClaimId, PatientId: r.PatientId, ClaimVersion: r.ClaimVersion, Content: r.Content, First: len(s.Waiting) == 0,
	}
	events := []es.Event{queued}
	waiting := append(slices.DeleteFunc(slices.Clone(s.Waiting), func(w *pb.ClaimQueued) bool { return w.ClaimId == r.ClaimId }), queued)
	if len(waiting) < full {
		return events, nil
	}
	return append(events, send(c.ReceiverID, s.Sent, waiting, c.At)...), nil
}

// Recalled is a claim version that is not to go out.
type Recalled struct {
	ReceiverID string
	Claim      *claimsv1.SubmissionRecalled
}

// Recall takes a claim version out of what waits. What went out already stays out there.
func Recall(s State, c Recalled) ([]es.Event, error) {
	if !slices.ContainsFunc(s.Waiting, func(w *pb.ClaimQueued) bool {
		return w.ClaimId == c.Claim.ClaimId && w.ClaimVersion == c.Claim.ClaimVersion
	}) {
		return nil, nil
	}
	return []es.Event{&pb.ClaimRecalled{ReceiverId: c.ReceiverID, ClaimId: c.Claim.ClaimId, PatientId: c.Claim.PatientId, ClaimVersion: c.Claim.ClaimVersion}}, nil
}

// Due is a batch whose time has come.
type Due struct {
	ReceiverID string
	At         time.Time
}

// Send sends what waits.
func Send(s State, d Due) ([]es.Event, error) {
	if len(s.Waiting) == 0 {
		return nil, nil
	}
	return send(d.ReceiverID, s.Sent, s.Waiting, d.At), nil
}

// Question is an eligibility question that is to go out.
type Question struct {
	ReceiverID string
	Request    *intakev1.EligibilityRequested
	At         time.Time
}

// Ask sends a question, once.
func Ask(s State, q Question) ([]es.Event, error) {
	if s.Asked[q.Request.EligibilityCheckId] {
		return nil, nil
	}
	n := s.Sent + 1
	queued := &pb.InquiryQueued{ReceiverId: q.ReceiverID, PatientId: q.Request.PatientId, Request: q.Request}
	data, _, err := t27x.Write(envelope(q.ReceiverID, n, q.At), inquiry(q.Request, n, q.At))
	if err != nil { // it lacks what a 270 needs: nobody else will answer it
		return []es.Event{queued, &pb.EligibilityAnswered{
			EligibilityCheckId: q.Request.EligibilityCheckId, PatientId: q.Request.PatientId, AaaCodes: []string{dataMissing}, AaaFollowUp: "C",
		}}, nil
	}
	sent := file(q.ReceiverID, string(x12.K270), n, data, q.At)
	sent.TraceNumbers = []string{q.Request.EligibilityCheckId}
	events := append([]es.Event{queued}, pieces.Of(sent.InterchangeId, data, []pieces.Cut{memberPart(q.Request.PatientId, data)})...)
	return append(events, sent), nil
}

// send writes one interchange of all claims that can be written, and rejects the others.
func send(receiverID string, last int, waiting []*pb.ClaimQueued, at time.Time) []es.Event {
	n := last + 1
	var events []es.Event
	good := make([]*pb.ClaimQueued, 0, len(waiting))
	written, err := t837.Write(envelope(receiverID, n, at), batch(receiverID, n, waiting, at))
	if err == nil {
		good = waiting
	} else { // one of them breaks a rule: find out which
		for _, w := range waiting {
			if _, err := t837.Write(envelope(receiverID, n, at), batch(receiverID, n, []*pb.ClaimQueued{w}, at)); err != nil {
				events = append(events, &pb.SetAcknowledged{ClaimId: w.ClaimId, ClaimVersion: w.ClaimVersion, Status: "R", Codes: broken(err)})
				continue
			}
			good = append(good, w)
		}
		if len(good) == 0 {
			return events
		}
		if written, err = t837.Write(envelope(receiverID, n, at), batch(receiverID, n, good, at)); err != nil {
			for _, w := range good { // together they break what none breaks alone
				events = append(events, &pb.SetAcknowledged{ClaimId: w.ClaimId, ClaimVersion: w.ClaimVersion, Status: "R", Codes: broken(err)})
			}
			return events
		}
	}
	sent := file(receiverID, string(x12.K837P), n, written.Bytes, at)
	cuts := map[int64]pieces.Cut{}
	byNumber := map[string]*pb.ClaimQueued{}
	for _, w := range good {
		byNumber[w.Content.GetPatientControlNumber()] = w
	}
	for _, r := range written.Claims {
		w := byNumber[r.Number]
		cuts[r.Subscriber.Offset] = pieces.Cut{Subject: w.PatientId, Offset: r.Subscriber.Offset, Length: r.Subscriber.Length}
		sent.Claims = append(sent.Claims, &pb.SentClaim{
			ClaimId: w.ClaimId, ClaimVersion: w.ClaimVersion, PatientId: w.PatientId, PatientControlNumber: r.Number, SetControlNumber: r.Set,
			Offset: r.Claim.Offset, Length: r.Claim.Length,
		})
	}
	var own []pieces.Cut
	for _, r := range written.Claims {
		if c, there := cuts[r.Subscriber.Offset]; there {
			own = append(own, c)
			delete(cuts, r.Subscriber.Offset)
		}
	}
	events = append(events, pieces.Of(sent.InterchangeId, written.Bytes, own)...)
	return append(events, sent)
}

// broken names the rules that a claim breaks, without values.
func broken(err error) []string {
	var invalid *x12.Invalid
	if !errors.As(err, &invalid) {
		return []string{"unwritable"}
	}
	var out []string
	for _, d := range invalid.Problems.Errors() {
		code := string(d.Code)
		if d.Rule != "" {
			code = d.Rule
		}
		if d.SegmentID != "" {
			code += ":" + d.SegmentID
		}
		if !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	return out
}

func file(receiverID, kind string, n int, data []byte, at time.Time) *pb.InterchangeSent {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	return &pb.InterchangeSent{
		InterchangeId: ID(hash), ReceiverId: receiverID, Kind: kind, FileSha256: hash, Size: int64(len(data)),
		InterchangeControlNumber: fmt.Sprintf("%09d", n), GroupControlNumber: fmt.Sprint(n), Reference: reference(n), SentDate: at.UTC().Format("2006-01-02"),
	}
}

// ID of the file with a SHA-256 in hex.
func ID(sha256 string) string { return es.Derive("itc", sha256) }

func reference(n int) string { return fmt.Sprintf("EK%09d", n) }

func envelope(receiverID string, n int, at time.Time) x12.Envelope {
	at = at.UTC()
	return x12.Envelope{
		SenderQualifier: "ZZ", SenderID: SenderID, ReceiverQualifier: "ZZ", ReceiverID: receiverID, Date: at.Format("2006-01-02"), Time: at.Format("1504"),
		InterchangeControl: n, GroupControl: n, Usage: Usage,
	}
}
