package remittance

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React takes a remittance in once its settlement has said what it is beside others, and ends the questions about those that it mends.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*pb.RemittanceAdvised)
	if !ok {
		return nil, nil
	}
	read, known := es.Find(look, ReadMirror, e.RemittanceId)
	if !known {
		return nil, es.Wait(ReadMirror, e.RemittanceId)
	}
	out := []es.Command{es.Do(Stream, e.RemittanceId, Receive, Advised{
		Read: read, Repeats: e.RepeatsRemittanceId, Contradicts: e.ContradictsRemittanceId, MendedBy: e.MendedByRemittanceId,
	})}
	for _, id := range e.MendsRemittanceIds { // their settlement told of them before: they are quarantined
		out = append(out, es.Do(Stream, id, Mended, Mend{RemittanceID: id, MendedBy: e.RemittanceId}))
	}
	return out, nil
}

// ReadMirror has each remittance as it was read, by remittance_id.
var ReadMirror = es.Mirror[*exchangev1.RemittanceRead]{
	Name: "posting.remittance_read",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*exchangev1.RemittanceRead); ok {
			return []string{e.RemittanceId}
		}
		return nil
	},
	Evolve: func(_ *exchangev1.RemittanceRead, event es.Event) *exchangev1.RemittanceRead {
		return event.(*exchangev1.RemittanceRead)
	},
}
