package pieces

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
)

// Whatever is cut how, and in whatever order the pieces arrive, also twice: together they are the file, and each byte belongs to one subject.
func TestPiecesAreTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 1, 400).Draw(t, "data")
		if rapid.Bool().Draw(t, "long") {
			data = bytes.Repeat(data, Most/len(data)+2)
		}
		cuts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Cut {
			return Cut{
				Subject: rapid.SampledFrom([]string{"pat_1", "pat_2"}).Draw(t, "subject"),
				Offset:  rapid.Int64Range(-1, int64(len(data))).Draw(t, "offset"), Length: rapid.Int64Range(-1, int64(len(data))).Draw(t, "length"),
			}
		}), 0, 6).Draw(t, "cuts")
		events := Of("itc_1", data, cuts)
		var f File
		for _, i := range append(rapid.Permutation(indexes(len(events))).Draw(t, "order"), 0) {
			f = f.With(events[i].(*pb.InterchangeBytes))
		}
		got, whole := f.Join(int64(len(data)))
		if !whole || !bytes.Equal(got, data) || f.Hole(0, int64(len(data))) {
			t.Fatalf("%d pieces of %d bytes give %d bytes, whole %v", len(events), len(data), len(got), whole)
		}
		if _, whole := (File{f.parts[1:]}).Join(int64(len(data))); whole {
			t.Fatal("a file without its first piece is called whole")
		}
		for _, e := range events {
			if p := e.(*pb.InterchangeBytes); p.Length > Most || p.SubjectId == "" || p.InterchangeId != "itc_1" {
				t.Fatalf("a piece of %d bytes of %q", p.Length, p.SubjectId)
			}
		}
	})
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestAHoleIsLabelled(t *testing.T) {
	data := []byte("ISA~HL*PATIENT ONE~HL*PATIENT TWO~IEA~")
	var f File
	for _, e := range Of("itc_1", data, []Cut{{"pat_1", 4, 15}, {"pat_2", 19, 15}}) {
		p := proto.CloneOf(e.(*pb.InterchangeBytes))
		if p.SubjectId == "pat_1" {
			p.Data = nil // its key was destroyed
		}
		f = f.With(p)
	}
	got, whole := f.Join(int64(len(data)))
	if want := "ISA~XXXXXXXXXXXXXXXHL*PATIENT TWO~IEA~"; string(got) != want || !whole {
		t.Fatalf("got %s, want %s", got, want)
	}
	for _, c := range []struct {
		offset, length int64
		hole           bool
	}{{0, 4, false}, {0, 5, true}, {18, 1, true}, {19, 19, false}} {
		if f.Hole(c.offset, c.length) != c.hole {
			t.Errorf("bytes %d, %d: hole %v", c.offset, c.length, !c.hole)
		}
	}
}
