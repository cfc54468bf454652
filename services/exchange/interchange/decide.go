package interchange

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

var (
	// NotEmpty: a file has at least one byte. Source: our own choice.
	NotEmpty = refuse.Rule{ID: "exchange.file_not_empty", Version: 1, Owner: "integrations"}
	// Size: a file has at most 16 MiB. Source: our own choice, 2026-11-24; a clearinghouse splits before.
	Size = refuse.Rule{ID: "exchange.file_size", Version: 1, Owner: "integrations"}
)

// MaxSize of a file.
const MaxSize = 16 << 20

// Incoming is a file that came in.
type Incoming struct {
	Data     []byte
	Channel  string // api, partner
	FileName string
	Today    string
	Cuts     []pieces.Cut // parts that are about patients of ours: see Parts
}

// Hash of a file, in hex.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// ID of the file with that hash.
func ID(hash string) string { return es.Derive("itc", hash) }

// Receive keeps a file, or refuses it whole with everything that was found. A file that was taken in before changes nothing.
func Receive(s State, c Incoming) ([]es.Event, error) {
	if s.Received != nil || s.Refused {
		return nil, nil
	}
	var no refuse.List
	no.If(len(c.Data) == 0, NotEmpty, "content", "the file is empty: send its bytes")
	no.If(len(c.Data) > MaxSize, Size, "content", "the file has %d bytes, at most %d are taken: split it", len(c.Data), MaxSize)
	if err := no.Err(); err != nil {
		return nil, err
	}
	hash := Hash(c.Data)
	id := ID(hash)
	found := examine(c.Data)
	if found.refusal != "" {
		return []es.Event{&pb.InterchangeRefused{
			InterchangeId: id, FileSha256: hash, Kind: found.kind, Reason: found.refusal, Findings: found.findings, Size: int64(len(c.Data)), Channel: c.Channel,
			FileName: c.FileName, ReceivedDate: c.Today,
		}}, nil
	}
	first := found.file.Interchanges[0]
	events := pieces.Of(id, c.Data, append(found.cuts, c.Cuts...))
	return append(events, &pb.InterchangeReceived{
		InterchangeId: id, FileSha256: hash, Size: int64(len(c.Data)), Kinds: found.kinds, SenderId: first.Sender, ReceiverId: first.Receiver,
		InterchangeControlNumber: first.Control, ReceivedDate: c.Today, Channel: c.Channel, FileName: c.FileName, Findings: found.findings,
	}), nil
}

// Record keeps what a file said, once.
func Record(s State, facts []es.Event) ([]es.Event, error) {
	if s.Received == nil || s.Read {
		return nil, nil
	}
	return facts, nil
}

// examined is what a file is, before anybody asks whose its contents are.
type examined struct {
	file     *x12.File
	kind     string // of the first set
	kinds    []string
	findings []*pb.Finding
	cuts     []pieces.Cut
	refusal  string // empty: it is kept
}

// ours are the kinds we read.
var ours = []x12.Kind{x12.K837P, x12.K999, x12.K277CA, x12.K271, x12.K835, x12.KTA1}

// words are our names of kinds that we do not do.
var words = map[x12.Kind]string{
	x12.K837I: "institutional claims", x12.K837D: "dental claims", x12.K270: "an eligibility question", x12.K276: "a claim status question", x12.K277: "a claim status answer",
	x12.K278: "an authorization request", x12.K275: "attachments", x12.K820: "premium payments", x12.K834: "enrollments",
}

func examine(data []byte) examined {
	e := examined{kind: string(x12.Sniff(data).Kind)}
	if e.kind == string(x12.NotX12) {
		e.findings = findings(func() x12.Diagnostics { _, found := open(data); return found }())
		e.refusal = "the file is not X12: it does not begin with an ISA segment"
		return e
	}
	file, found := open(data)
	e.file = file
	for _, k := range file.Kinds() {
		e.kinds = append(e.kinds, string(k))
		if slices.Contains(ours, k) {
			continue
		}
		if word := words[k]; word != "" {
			e.refuse("%s (%s) is a kind we do not do", k, word)
		} else {
			e.refuse("%s: this kind of set is not known", x12.Sniff(data))
		}
	}
	switch errs := found.Errors(); {
	case slices.ContainsFunc(errs, func(d x12.Diagnostic) bool { return d.Code == x12.FileCut }):
		e.refuse("the file is cut: its end is missing")
	case len(errs) > 0:
		places := "one place"
		if len(errs) > 1 {
			places = fmt.Sprintf("%d places", len(errs))
		}
		e.refuse("the file is damaged in %s: %s", places, errs[0].Message)
	case len(e.kinds) == 0:
		e.refuse("the file holds nothing between its envelopes")
	}
	if e.refusal == "" {
		for _, set := range file.Sets() {
			found = append(found, e.content(set)...)
		}
	}
	e.findings = findings(found)
	return e
}

func (e *examined) refuse(format string, args ...any) {
	if e.refusal == "" {
		e.refusal = fmt.Sprintf(format, args...)
	}
}

// content is what is wrong inside a set, and whose its parts are where the set says so itself.
func (e *examined) content(set *x12.Set) x12.Diagnostics {
	switch set.Kind {
	case x12.K837P:
		s, found := t837.Parse(set)
		if s == nil {
			return found
		}
		e.cuts = append(e.cuts, claimCuts(s)...)
		return append(found, t837.Check(s).Of(set)...)
	case x12.K835:
		s, found := t835.Parse(set)
		if s == nil {
			return found
		}
		return append(found, t835.Check(s).Of(set)...)
	case x12.K271:
		_, found := t27x.Parse(set)
		return found
	}
	return answerFindings(set)
}

func findings(found x12.Diagnostics) []*pb.Finding {
	var out []*pb.Finding
	for _, d := range found {
		code := string(d.Code)
		if d.Rule != "" {
			code = d.Rule
		}
		segment := d.SegmentID
		if segment != "" && d.Element > 0 {
			segment += fmt.Sprintf("%02d", d.Element)
		}
		out = append(out, &pb.Finding{Code: code, Severity: d.Severity.String(), Message: strings.ToValidUTF8(d.Message, "?"), Offset: d.Offset, Length: d.Length, Segment: segment})
	}
	return out
}
