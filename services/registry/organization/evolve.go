// Package organization is the stream of one organization: who bills, and what it charges from when on.
package organization

import (
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the organization and its prices.
type State struct {
	Registered *pb.OrganizationRegistered
	Schedules  []*pb.ChargeSchedulePublished // by from_date, one per day
}

// Stream is the organization's stream.
var Stream = es.Stream[State]{Kind: "organization", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.OrganizationRegistered:
		s.Registered = e
	case *pb.ChargeSchedulePublished:
		at, found := s.find(e.FromDate)
		if found {
			s.Schedules[at] = e
		} else {
			s.Schedules = slices.Insert(s.Schedules, at, e)
		}
	}
	return s
}

func (s State) find(from string) (int, bool) {
	return slices.BinarySearchFunc(s.Schedules, from, func(e *pb.ChargeSchedulePublished, day string) int { return strings.Compare(e.FromDate, day) })
}
