// Package clinician is the stream of one clinician: licence, places, and who supervises from when to when.
package clinician

import (
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the clinician and the supervisions.
type State struct {
	Registered   *pb.ClinicianRegistered
	Supervisions []*pb.SupervisionAssigned // by from_date; the last word on a supervisor and a first day counts
}

// Stream is the clinician's stream.
var Stream = es.Stream[State]{Kind: "clinician", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.ClinicianRegistered:
		s.Registered = e
	case *pb.SupervisionAssigned:
		s.Supervisions = slices.DeleteFunc(s.Supervisions, func(old *pb.SupervisionAssigned) bool { return same(old, e) })
		s.Supervisions = append(s.Supervisions, e)
		slices.SortStableFunc(s.Supervisions, func(a, b *pb.SupervisionAssigned) int { return strings.Compare(a.FromDate, b.FromDate) })
	}
	return s
}

// same says whether two events speak of the same supervision, of which only the end may differ.
func same(a, b *pb.SupervisionAssigned) bool {
	return a.SupervisorClinicianId == b.SupervisorClinicianId && a.FromDate == b.FromDate
}
