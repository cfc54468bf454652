// Package coverage is the stream of all coverages of one patient: which plan pays in which order from when to when, and who pays behavioral services of it.
//
// One stream per patient, since the order of payers is a matter between coverages: no two may have the same place on the same day.
package coverage

import (
	"cmp"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the patient's coverages, in the order in which they were added.
type State struct {
	All []Held
}

// Held is one coverage as it is now.
type Held struct {
	Added    *pb.CoverageAdded
	ThruDate string                 // last covered day; empty: open
	CarveOut *pb.CarveOutIdentified // nil: the payer pays behavioral services itself, as far as we know
}

// Stream is the stream of the patient's coverages; its id is the patient's.
var Stream = es.Stream[State]{Kind: "coverage", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.CoverageAdded:
		s.All = append(s.All, Held{Added: e, ThruDate: e.ThruDate})
	case *pb.CoverageTerminated:
		if i := s.at(e.CoverageId); i >= 0 {
			s.All[i].ThruDate = e.ThruDate
		}
	case *pb.CarveOutIdentified:
		if i := s.at(e.CoverageId); i >= 0 {
			s.All[i].CarveOut = e
		}
	}
	return s
}

func (s State) at(id string) int {
	return slices.IndexFunc(s.All, func(h Held) bool { return h.Added.CoverageId == id })
}

// Find is one of the patient's coverages; false: there is no such.
func (s State) Find(id string) (Held, bool) {
	if i := s.at(id); i >= 0 {
		return s.All[i], true
	}
	return Held{}, false
}

// Payer is who adjudicates behavioral services of the coverage.
func (h Held) Payer() string {
	if h.CarveOut != nil {
		return h.CarveOut.BehavioralPayerId
	}
	return h.Added.PayerId
}

// In says whether the coverage is in force on a day.
func (h Held) In(day string) bool { return date.Within(day, h.Added.FromDate, h.ThruDate) }

// Responsible are the payers of a day, in order of sequence: one for each place. Imported coverages may share a place; then the one that began last counts.
func (s State) Responsible(day string) []*pb.ResponsiblePayer {
	var in []Held
	for _, h := range s.All {
		if h.In(day) {
			in = append(in, h)
		}
	}
	slices.SortFunc(in, order)
	in = slices.CompactFunc(in, func(a, b Held) bool { return a.Added.PayerSequence == b.Added.PayerSequence })
	out := make([]*pb.ResponsiblePayer, len(in))
	for i, h := range in {
		out[i] = &pb.ResponsiblePayer{CoverageId: h.Added.CoverageId, PayerId: h.Payer(), PayerSequence: h.Added.PayerSequence}
	}
	return out
}

// Ordered are all coverages, by place; of one place the last that began comes first.
func (s State) Ordered() []Held { return slices.SortedFunc(slices.Values(s.All), order) }

func order(a, b Held) int {
	return cmp.Or(cmp.Compare(a.Added.PayerSequence, b.Added.PayerSequence), strings.Compare(b.Added.FromDate, a.Added.FromDate), strings.Compare(a.Added.CoverageId, b.Added.CoverageId))
}
