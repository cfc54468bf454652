// Package payer is the stream of one payer: how it is reached, and its rules from when on.
package payer

import (
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the payer and its policies.
type State struct {
	Registered *pb.PayerRegistered
	Policies   []*pb.PayerPolicySet // by from_date, one per day
}

// Stream is the payer's stream.
var Stream = es.Stream[State]{Kind: "payer", Evolve: Evolve}

// ID is the id of the payer with an EDI payer id: the same for everybody who derives it, so that a payer is registered once.
func ID(ediPayerID string) string { return es.Derive("pay", Capitals(ediPayerID)) }

// Capitals is an EDI payer id as it is kept.
func Capitals(ediPayerID string) string { return strings.ToUpper(strings.TrimSpace(ediPayerID)) }

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.PayerRegistered:
		s.Registered = e
	case *pb.PayerPolicySet:
		at, found := s.find(e.FromDate)
		if found {
			s.Policies[at] = e
		} else {
			s.Policies = slices.Insert(s.Policies, at, e)
		}
	}
	return s
}

func (s State) find(from string) (int, bool) {
	return slices.BinarySearchFunc(s.Policies, from, func(e *pb.PayerPolicySet, day string) int { return strings.Compare(e.FromDate, day) })
}
