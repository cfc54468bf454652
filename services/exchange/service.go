package exchange

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/exchange/interchange"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedExchangeServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// ImportInterchange takes a file in.
func (s *Server) ImportInterchange(ctx context.Context, r *pb.ImportInterchangeRequest) (*typev1.Receipt, error) {
	id := interchange.ID(interchange.Hash(r.Content))
	cuts, err := s.cuts(ctx, r.Content)
	if err != nil {
		return nil, err
	}
	receipt, err := engine.Execute(ctx, s.rt.Engine, interchange.Stream, id, func(st interchange.State, c *pb.ImportInterchangeRequest) ([]es.Event, error) {
		return interchange.Receive(st, interchange.Incoming{Data: c.Content, Channel: "api", FileName: c.FileName, Today: c.Today, Cuts: cuts})
	}, r)
	if err != nil {
		return nil, err
	}
	return receipt, s.refused(ctx, id)
}

// FileTaken: a file is of a kind we do and can be read whole. A refused one is kept with its findings; nothing else comes of it. Source: our own choice.
var FileTaken = refuse.Rule{ID: "exchange.file_taken", Version: 1, Owner: "edi"}

// refused is why a file was not taken; nil when it was. Each finding is a reason.
func (s *Server) refused(ctx context.Context, id string) error {
	history, err := s.rt.Engine.History(ctx, interchange.Stream.Name(id))
	if err != nil {
		return err
	}
	var no refuse.List
	for _, r := range history {
		e, ok := r.Event.(*pb.InterchangeRefused)
		if !ok {
			continue
		}
		no.If(true, FileTaken, "content", "%s; it is kept as %s with its findings", e.Reason, id)
		for _, f := range e.Findings {
			no.If(f.Severity == "error", FileTaken, "content", "byte %d (%s): %s", f.Offset, f.Segment, f.Message)
		}
	}
	return no.Err()
}

// cuts are the parts of a file that are about patients of ours.
func (s *Server) cuts(ctx context.Context, data []byte) ([]pieces.Cut, error) {
	if len(data) > interchange.MaxSize {
		return nil, nil // it will be refused
	}
	var out []pieces.Cut
	for _, p := range interchange.Parts(data) {
		patient := ""
		if p.Check != "" {
			q, _, err := engine.Find(ctx, s.rt.Engine, interchange.QuestionMirror, p.Check)
			if err != nil {
				return nil, err
			}
			patient = q.GetPatientId()
		} else {
			claims, _, err := engine.Find(ctx, s.rt.Engine, interchange.ClaimMirror, "n:"+p.Number)
			if err != nil {
				return nil, err
			}
			if patient = claims[p.Number].PatientID; patient == "" {
				before, _, err := engine.Find(ctx, s.rt.Engine, interchange.PriorMirror, p.Number)
				if err != nil {
					return nil, err
				}
				patient = interchange.PatientOf(before)
			}
		}
		if c, known := p.Cut(patient); known {
			out = append(out, c)
		}
	}
	return out, nil
}

const columns = `SELECT interchange_id, direction, status, kind, partner_id, control_no, sha256, file_name, channel, size, on_date::text, reason, results, position FROM interchanges `

type row struct {
	*pb.Interchange
	position int64
}

func scan(from pgx.CollectableRow) (row, error) {
	i := row{Interchange: &pb.Interchange{}}
	err := from.Scan(&i.InterchangeId, &i.Direction, &i.Status, &i.Kind, &i.PartnerId, &i.InterchangeControlNumber, &i.FileSha256, &i.FileName, &i.Channel, &i.Size, &i.Date,
		&i.Reason, &i.ResultsCount, &i.position)
	return i, err
}

// GetInterchange is one file with its findings and results.
func (s *Server) GetInterchange(ctx context.Context, r *pb.GetInterchangeRequest) (*pb.Interchange, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	rows, err := s.rt.DB.Query(ctx, columns+`WHERE tenant_id = $1 AND interchange_id = $2`, caller.Tenant, r.InterchangeId)
	if err != nil {
		return nil, fmt.Errorf("get interchange: %w", err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, scan)
	if err == pgx.ErrNoRows {
		return nil, status.Errorf(codes.NotFound, "there is no interchange %s", r.InterchangeId)
	}
	if err != nil {
		return nil, fmt.Errorf("get interchange: %w", err)
	}
	history, err := s.rt.Engine.History(ctx, interchange.Stream.Name(r.InterchangeId))
	if err != nil {
		return nil, err
	}
	for _, h := range history {
		show(found.Interchange, h.Event)
	}
	return found.Interchange, nil
}

// show adds what an event says to what a caller sees.
func show(i *pb.Interchange, event es.Event) {
	add := func(subject, status string, at *typev1.Source) {
		i.Results = append(i.Results, &pb.InterchangeResult{
			Type: string(event.ProtoReflect().Descriptor().Name()), SubjectId: subject, Status: status,
			SetControlNumber: at.GetSetControlNumber(), Offset: at.GetOffset(), Length: at.GetLength(),
		})
	}
	either := func(good bool, yes, no string) string {
		if good {
			return yes
		}
		return no
	}
	switch e := event.(type) {
	case *pb.InterchangeReceived:
		i.Findings = e.Findings
	case *pb.InterchangeRefused:
		i.Findings = e.Findings
	case *pb.SetAcknowledged:
		add(e.ClaimId, either(e.Status != "R", "accepted", "rejected"), e.Source)
	case *pb.ClaimStatusReceived:
		add(e.ClaimId, either(e.Accepted, "accepted", "rejected"), e.Source)
	case *pb.EligibilityAnswered:
		add(e.EligibilityCheckId, either(len(e.AaaCodes) == 0, "answered", "rejected"), e.Source)
	case *pb.RemittanceRead:
		add(e.RemittanceId, either(len(e.Residuals) == 0, "read", "unbalanced"), e.Source)
	case *pb.ClaimImported:
		add(e.EncounterId, "imported", e.Source)
	case *pb.AnswersUnknown:
		for _, f := range e.Findings {
			add("", "unknown", &typev1.Source{Offset: f.Offset, Length: f.Length})
		}
		i.Findings = append(i.Findings, e.Findings...)
	}
}

// ListInterchanges are files, newest first.
func (s *Server) ListInterchanges(ctx context.Context, r *pb.ListInterchangesRequest) (*pb.ListInterchangesResponse, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	at, err := page.Parse(r.PageSize, r.PageToken, "9223372036854775807")
	if err != nil {
		return nil, err
	}
	rows, err := s.rt.DB.Query(ctx, columns+`WHERE tenant_id = $1 AND position < $2::text::bigint AND ($3 = '' OR direction = $3) ORDER BY position DESC LIMIT $4`,
		caller.Tenant, at.Key[0], r.Direction, at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list interchanges: %w", err)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list interchanges: %w", err)
	}
	cut, next := page.Cut(list, at, func(i row) []string { return []string{fmt.Sprint(i.position)} })
	out := &pb.ListInterchangesResponse{NextPageToken: next}
	for _, i := range cut {
		out.Interchanges = append(out.Interchanges, i.Interchange)
	}
	return out, nil
}

// Range: a range lies in the file and has at most 64 KiB. Source: our own choice; it is for looking at segments, GetContent gives the file.
var Range = refuse.Rule{ID: "exchange.range", Version: 1, Owner: "integrations"}

// mostText is the longest range, in bytes.
const mostText = 64 << 10

// GetSegments is the text of a run of bytes.
func (s *Server) GetSegments(ctx context.Context, r *pb.GetSegmentsRequest) (*pb.GetSegmentsResponse, error) {
	file, err := s.content(ctx, r.InterchangeId)
	if err != nil {
		return nil, err
	}
	data, _ := file.Join(file.Size())
	if r.Offset < 0 || r.Length <= 0 || r.Length > mostText || r.Offset > int64(len(data))-r.Length {
		return nil, refuse.Because(Range, "length", "bytes %d to %d: the file has %d, and a range at most %d", r.Offset, r.Offset+r.Length, len(data), mostText)
	}
	return &pb.GetSegmentsResponse{Text: strings.ToValidUTF8(string(data[r.Offset:r.Offset+r.Length]), "?"), Shredded: file.Hole(r.Offset, r.Length)}, nil
}

// GetContent is the whole file.
func (s *Server) GetContent(ctx context.Context, r *pb.GetContentRequest) (*httpbody.HttpBody, error) {
	file, err := s.content(ctx, r.InterchangeId)
	if err != nil {
		return nil, err
	}
	data, _ := file.Join(file.Size())
	return &httpbody.HttpBody{ContentType: "application/edi-x12", Data: data}, nil
}

func (s *Server) content(ctx context.Context, id string) (pieces.File, error) {
	file, known, err := engine.Find(ctx, s.rt.Engine, pieces.Mirror, id)
	if err != nil {
		return file, err
	}
	if !known {
		return file, status.Errorf(codes.NotFound, "there are no bytes of interchange %s", id)
	}
	return file, nil
}
