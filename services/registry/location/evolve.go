// Package location is the stream of one place where visits happen.
package location

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the location.
type State struct {
	Registered *pb.LocationRegistered
}

// Stream is the location's stream.
var Stream = es.Stream[State]{Kind: "location", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if e, ok := event.(*pb.LocationRegistered); ok {
		s.Registered = e
	}
	return s
}
