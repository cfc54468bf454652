package desk

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/payersim/plans"

	"bytes"
	"cmp"
	"slices"
	"time"
)

// all plans there are.
var all = plans.Embedded()

// React takes the files that are sent to a desk, once all of their bytes are there. A file with a hole can't be read by anybody.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*exchangev1.InterchangeSent)
	if !ok {
		return nil, nil
	}
	parts, _ := es.Find(look, BytesMirror, e.InterchangeId)
	if parts.size() < e.Size {
		return nil, es.Wait(BytesMirror, e.InterchangeId)
	}
	data, whole := parts.join()
	if !whole {
		return nil, nil
	}
	return []es.Command{es.Do(Stream, e.ReceiverId, Take, File{
		Plans: all, ReceiverID: e.ReceiverId, InterchangeID: e.InterchangeId, SHA256: e.FileSha256, Data: data, At: r.RecordedAt,
	})}, nil
}

// payHour is when a run is made, UTC.
const payHour = 6 * time.Hour

// Timers: a decision is paid on its day.
func Timers(r es.Recorded) []es.TimerOp {
	e, ok := r.Event.(*pb.ClaimDecided)
	if !ok || e.Decision == silent {
		return nil
	}
	return []es.TimerOp{es.SetTimer(es.Timer{
		Key: "payersim.run/" + r.StreamID + "/" + e.PayOnDate, Kind: Stream.Kind, StreamID: r.StreamID, DueAt: date.Time(e.PayOnDate).Add(payHour),
		Body: &pb.PaymentRunDue{ReceiverId: r.StreamID, RunDate: e.PayOnDate},
	})}
}

// OnTimer makes a payment run.
func OnTimer(t es.Timer) []es.Command {
	b, ok := t.Body.(*pb.PaymentRunDue)
	if !ok {
		return nil
	}
	return []es.Command{es.Do(Stream, b.ReceiverId, Run, RunDay{ReceiverID: b.ReceiverId, Date: b.RunDate, At: t.DueAt})}
}

// pieces are the known parts of a file, in order.
type pieces []*exchangev1.InterchangeBytes

func (p pieces) size() int64 {
	n := int64(0)
	for _, part := range p {
		n += part.Length
	}
	return n
}

// join is the file; false: a part of it can't be read any more.
func (p pieces) join() ([]byte, bool) {
	var b bytes.Buffer
	for _, part := range p {
		if part.Offset != int64(b.Len()) || int64(len(part.Data)) != part.Length {
			return nil, false
		}
		b.Write(part.Data)
	}
	return b.Bytes(), true
}

// BytesMirror has the bytes that partners were sent, by interchange_id: all that a payer gets to see.
var BytesMirror = es.Mirror[pieces]{
	Name: "payersim.bytes",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*exchangev1.InterchangeBytes); ok && r.Kind == "partner" {
			return []string{e.InterchangeId}
		}
		return nil
	},
	Evolve: func(p pieces, event es.Event) pieces {
		e := event.(*exchangev1.InterchangeBytes)
		i, there := slices.BinarySearchFunc(p, e.Offset, func(q *exchangev1.InterchangeBytes, at int64) int { return cmp.Compare(q.Offset, at) })
		if there {
			return p
		}
		return slices.Insert(p, i, e)
	},
}
