// Package contract is the stream of one contract: what a payer agreed to pay, from when to when.
package contract

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the contract.
type State struct {
	Published *pb.ContractPublished
}

// Stream is the contract's stream.
var Stream = es.Stream[State]{Kind: "contract", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if e, ok := event.(*pb.ContractPublished); ok {
		s.Published = e
	}
	return s
}
