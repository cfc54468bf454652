package x12_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Each row is one segment and what the dictionary says of it.
func TestSyntax(t *testing.T) {
	for _, c := range []struct{ segment, want string }{
		{"NM1*IL*1*DOE*JANE****MI*M1", ""},
		{"NM1*IL*1*DOE*JANE****MI", "NM109 element.conditional"},
		{"NM1*IL*1*" + strings.Repeat("X", 61), "NM103 element.long"},
		{"NM1*IL*1*DOE*JANE*" + strings.Repeat("M", 26), "NM105 element.long"},
		{"N4*X", "N401 element.short"},
		{"N4*SPRINGFIELD*IL*62701", ""},
		{"REF*EA", "REF02 element.conditional"},
		{"PER*IC**TE*5551234567*EX", "PER06 element.conditional"},
		{"CLM*C1*100***11:B:1*Y", ""},
		{"CLM*C1*100***11:B:1:X*Y", "CLM05 element.too_many_components"},
		{"CLM*C1*100***110:B:1*Y", "CLM05-1 element.long"},
		{"CLM*C1:2*100", "CLM01 element.too_many_components"},
		{"CLM*C1*12345678901234567.89", "CLM02 element.long"},
		{"CLM*C1*-1234567890123456.78", ""},
		{"LX*1*2", "LX02 element.too_many"},
		{"EB*1**30^MH", ""},
		{"EB*1^2**30", "EB01 element.too_many_repeats"},
		{"EB*F*****23***VS", "EB10 element.conditional"},
		{"CAS*CO*45*10**50*5", ""},
		{"CAS*CO*45*10**50", "CAS06 element.conditional"},
		{"CAS*CO*45*10***5", "CAS05 element.conditional"},
		{"SBR*P*18*******CI", ""},
		{"ZZZ*anything:goes^here", ""},
	} {
		file, _ := x12.Read([]byte(strings.Replace(good, "EB*1**30^MH", c.segment, 1)))
		var got []string
		for _, d := range x12.Syntax(file.Sets()[0].Body()[1]) {
			place := fmt.Sprintf("%s%02d", d.SegmentID, d.Element)
			if d.Component > 0 {
				place += fmt.Sprintf("-%d", d.Component)
			}
			got = append(got, place+" "+string(d.Code))
		}

		if strings.Join(got, ", ") != c.want {
			t.Errorf("%.40s: want %q, got %q", c.segment, c.want, got)
		}
	}
}
