package interchange

import (
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/ack"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

// Part is a run of bytes of an answer that is about one person, under the number that we gave.
type Part struct {
	Number string // a claim's patient control number
	Check  string // or an eligibility_check_id
	x12.Source
}

// Parts are the parts of a file's answers. Claims of other billing systems name their patients themselves.
func Parts(data []byte) []Part {
	file, _ := open(data)
	var out []Part
	for _, set := range file.Sets() {
		switch set.Kind {
		case x12.K835:
			if s, _ := t835.Parse(set); s != nil {
				for _, c := range s.Claims() {
					out = append(out, Part{Number: c.Number, Source: c.Source})
				}
			}
		case x12.K277CA:
			if a, _ := ack.Parse277CA(set); a != nil {
				for _, c := range a.Claims() {
					out = append(out, Part{Number: c.Number, Source: c.Bytes})
				}
			}
		case x12.K271:
			if s, _ := t27x.Parse(set); s != nil {
				for _, m := range s.Members() {
					if m.Member != nil {
						out = append(out, Part{Check: m.Member.Trace(x12.K271), Source: m.Member.Source})
					}
				}
			}
		}
	}
	return out
}

// Cut is a part under its patient's key; false: nobody of ours.
func (p Part) Cut(patientID string) (pieces.Cut, bool) {
	return pieces.Cut{Subject: patientID, Offset: p.Offset, Length: p.Length}, patientID != ""
}

// cuts are the parts whose patients are known.
func cuts(data []byte, look es.Look) []pieces.Cut {
	var out []pieces.Cut
	for _, p := range Parts(data) {
		patient := ""
		if p.Check != "" {
			if q, there := es.Find(look, QuestionMirror, p.Check); there {
				patient = q.PatientId
			}
		} else if s, there := es.Find(look, ClaimMirror, "n:"+p.Number); there {
			patient = s[p.Number].PatientID
		} else if all, there := es.Find(look, PriorMirror, p.Number); there {
			patient = PatientOf(all)
		}
		if c, known := p.Cut(patient); known {
			out = append(out, c)
		}
	}
	return out
}
