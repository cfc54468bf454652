// Package encounter is the stream of one session: as the EHR sent it, signed, coded or asked about.
package encounter

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is what the decisions need to know, and nothing else.
type State struct {
	Received  *pb.EncounterReceived
	Signed    bool
	Query     *pb.CoderQueryRaised // open; nil: none
	CoderCode string               // the coder's code for the primary line; empty: none was said
	NotBilled bool
	Completed bool
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
		s.Query, s.NotBilled = nil, e.NoBill
		if e.ServiceCode != "" {
			s.CoderCode = e.ServiceCode
		}
	case *pb.CodingCompleted:
		s.Completed = true
	}
	return s
}
