// Package encounter is the stream of one session: as the EHR sent it, signed, coded or asked about.
package encounter

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is what the decisions need to know, and nothing else.
type State struct {
	Received  *pb.EncounterReceived
	Signed    bool
	Query     *pb.CoderQueryRaised // open; nil: none
	Said      Said
	NotBilled bool
	Completed bool

	Imported *pb.CodingCompleted // as it came from another billing system; nil: it did not
	Imports  map[string]bool     // claims there that said something of it, by import_id
	Payers   []*intakev1.ResponsiblePayer
	Priors   []*pb.PriorAdjudication // decided before the move, by one payer each

	PatientPaid int64 // before the move; 0: no file has said so
}

// Decided is what a payer decided before the move; nil: nothing that is known.
func (s State) Decided(at typev1.PayerSequence) *pb.PriorAdjudication {
	return decisionOf(s.Priors, at)
}

// Said is what coders have said of the visit so far.
type Said struct {
	Code     string // of the primary line; empty: none was said
	Distinct bool   // it stands beside the patient's other services
	Modifier string // that says so; empty: none
}

// and is what was said, with one more answer.
func (s Said) and(e *pb.CoderQueryAnswered) Said {
	if e.ServiceCode != "" {
		s.Code = e.ServiceCode
	}
	if e.DistinctService {
		s.Distinct, s.Modifier = true, e.DistinctModifier
	}
	return s
}

// Stream is the encounter's stream.
var Stream = es.Stream[State]{Kind: "encounter", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.EncounterReceived:
		s.Received = e
	case *pb.EncounterSigned:
		s.Signed = true
	case *pb.CoderQueryRaised:
		s.Query = e
	case *pb.CoderQueryAnswered:
		s.Query, s.NotBilled, s.Said = nil, e.NoBill, s.Said.and(e)
	case *pb.CodingCompleted:
		s.Completed = true
		if e.Imported {
			s.Imported, s.Payers, s.Priors, s.PatientPaid = e, e.ResponsiblePayers, e.PriorAdjudications, e.PatientPaidAmount
			s.imported(e.ImportId)
		}
	case *pb.VisitPayersTold:
		s.Payers, s.Priors = e.ResponsiblePayers, append(slices.Clip(s.Priors), e.PriorAdjudications...)
		s.PatientPaid += e.PatientPaidAmount
		s.imported(e.ImportId)
	case *pb.ImportHeld:
		s.imported(e.ImportId)
	}
	return s
}

func (s *State) imported(importID string) {
	if s.Imports == nil {
		s.Imports = map[string]bool{}
	}
	s.Imports[importID] = true
}
