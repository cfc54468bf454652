// Package pieces cuts the bytes of a file into runs that are sealed under different keys, and puts them together again.
//
// A Cut says whose a run of bytes is; what nobody claims belongs to the envelope. Cuts never overlap: of two that do the later one gives way. The promises: the pieces in
// order of offset are the file (TestPiecesAreTheFile); a piece whose key was destroyed leaves a hole of its length, filled with X (TestAHoleIsLabelled).
package pieces

import (
	"bytes"
	"cmp"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Most is the length of the longest piece: a record has to fit a message of the broker, sealed and with what surrounds it.
const Most = 256 << 10

// Cut is a run of bytes that belongs to one subject.
type Cut struct {
	Subject        string
	Offset, Length int64
}

// Of are the pieces of a file: one for each cut, and the rest under the file's own key.
func Of(interchangeID string, data []byte, cuts []Cut) []es.Event {
	cuts = slices.Clone(cuts)
	slices.SortStableFunc(cuts, func(a, b Cut) int { return cmp.Compare(a.Offset, b.Offset) })
	var out []es.Event
	at := int64(0)
	add := func(subject string, end int64) {
		for at < end {
			n := min(end-at, Most)
			out = append(out, &pb.InterchangeBytes{
				InterchangeId: interchangeID, SubjectId: subject, Offset: at, Length: n, Data: bytes.Clone(data[at : at+n]),
			})
			at += n
		}
	}
	for _, c := range cuts {
		end := c.Offset + c.Length
		if c.Offset < at || c.Length <= 0 || end > int64(len(data)) {
			continue
		}
		add(interchangeID, c.Offset)
		add(c.Subject, end)
	}
	add(interchangeID, int64(len(data)))
	return out
}

// File is what is known of a file's bytes. The zero value knows none.
type File struct {
	parts []*pb.InterchangeBytes
}

// With adds a piece; one that is there already changes nothing.
func (f File) With(p *pb.InterchangeBytes) File {
	i, there := slices.BinarySearchFunc(f.parts, p.Offset, func(q *pb.InterchangeBytes, at int64) int { return cmp.Compare(q.Offset, at) })
	if there {
		return f
	}
	return File{slices.Insert(f.parts, i, p)}
}

// Join puts the file together; false: a byte is missing. What can't be read any more is X.
func (f File) Join(size int64) ([]byte, bool) {
	var data []byte
	for _, p := range f.parts {
		switch {
		case p.Offset != int64(len(data)):
			return data, false
		case shredded(p):
			data = append(data, bytes.Repeat([]byte("X"), int(p.Length))...)
		default:
			data = append(data, p.Data...)
		}
	}
	return data, int64(len(data)) == size
}

// Hole says whether bytes of a range can't be read any more.
func (f File) Hole(offset, length int64) bool {
	return slices.ContainsFunc(f.parts, func(p *pb.InterchangeBytes) bool {
		return shredded(p) && p.Offset < offset+length && offset < p.Offset+p.Length
	})
}

// shredded says whether the key of a piece was destroyed: its length is known, its bytes are not.
func shredded(p *pb.InterchangeBytes) bool { return int64(len(p.Data)) != p.Length }

// Size is where the last known piece ends.
func (f File) Size() int64 {
	if len(f.parts) == 0 {
		return 0
	}
	last := f.parts[len(f.parts)-1]
	return last.Offset + last.Length
}

// Mirror has the bytes of all files, in and out, by interchange_id.
var Mirror = es.Mirror[File]{
	Name: "exchange.bytes",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.InterchangeBytes); ok {
			return []string{e.InterchangeId}
		}
		return nil
	},
	Evolve: func(f File, event es.Event) File { return f.With(event.(*pb.InterchangeBytes)) },
}
