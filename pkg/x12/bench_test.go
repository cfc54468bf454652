package x12_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/golden"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
)

// large repeats the sets of a sample until the file has about 25 MB.
func large(b *testing.B, sample string) []byte {
	data := string(bytes.ReplaceAll(golden.Samples(b, ".", sample[:3])[sample], []byte("\n"), nil))
	st, ge, iea := strings.Index(data, "ST*"), strings.Index(data, "GE*"), strings.Index(data, "IEA*")
	head, sets, control := data[:st], data[st:ge], strings.Split(data[st:], "*")[2]
	control, _, _ = strings.Cut(control, "~")
	var out strings.Builder
	out.WriteString(head)
	n := 0
	for ; out.Len() < 25<<20; n++ {
		out.WriteString(strings.ReplaceAll(sets, control, fmt.Sprintf("%09d", n+1)))
	}
	out.WriteString(fmt.Sprintf("GE*%d%s", n, data[ge+4:iea]))
	out.WriteString(data[iea:])
	return []byte(out.String())
}

// reference is the loop that the others are measured against: one pass, a table of classes, the offsets of all elements, no check.
func reference(data []byte) (segments, elements int) {
	var class [256]byte
	class['~'], class['*'] = 1, 2
	var ends [64]int
	n := 0
	for i, c := range data {
		switch class[c] {
		case 1:
			segments++
			n = 0
		case 2:
			ends[n&63] = i
			n++
			elements++
		}
	}
	return segments, elements
}

func BenchmarkLarge(b *testing.B) {
	for _, sample := range []string{"837/demo.example1.837", "835/managed-care.835"} {
		data := large(b, sample)
		b.Run(sample[:3]+"/reference", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				reference(data)
			}
		})
		b.Run(sample[:3]+"/scan", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				s := x12.NewScanner(bytes.NewReader(data), x12.Options{})
				for s.Scan() {
				}
			}
		})
		b.Run(sample[:3]+"/read", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, found := x12.Read(data); found.Err() != nil {
					b.Fatal(found.Err())
				}
			}
		})
		b.Run(sample[:3]+"/typed", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				file, _ := x12.Read(data)
				for _, set := range file.Sets() {
					switch set.Kind {
					case x12.K837P:
						s, _ := t837.Parse(set)
						t837.Check(s)
					case x12.K835:
						s, _ := t835.Parse(set)
						t835.Balance(s)
					}
				}
			}
		})
	}
}
