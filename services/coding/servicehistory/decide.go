package servicehistory

import (
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Codes of lines, in their order.
func Codes(lines []*typev1.ServiceLine) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.ServiceCode
	}
	return out
}

// Enter takes in a visit that came coded from elsewhere, or was coded before there was a history. One that is there, or was removed, changes nothing.
func Enter(s State, e *pb.ServicesEntered) ([]es.Event, error) {
	if s.at(e.EncounterId) >= 0 || s.Removed[e.EncounterId] {
		return nil, nil
	}
	return []es.Event{e}, nil
}

// Correction are a visit's codes as they are billed now.
type Correction struct {
	EncounterID string
	Codes       []string
}

// Correct takes in a visit's corrected codes. Unknown, removed or the same: nothing changes.
func Correct(s State, c Correction) ([]es.Event, error) {
	i := s.at(c.EncounterID)
	if i < 0 || slices.Equal(s.Entered[i].ServiceCodes, c.Codes) {
		return nil, nil
	}
	next := proto.Clone(s.Entered[i]).(*pb.ServicesEntered)
	next.ServiceCodes = c.Codes
	return []es.Event{next}, nil
}

// Remove frees the place of a visit that is billed no more.
func Remove(s State, e *pb.ServicesRemoved) ([]es.Event, error) {
	if s.Removed[e.EncounterId] {
		return nil, nil
	}
	return []es.Event{e}, nil
}
