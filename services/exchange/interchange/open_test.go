package interchange

import (
	"os"
	"slices"
	"strings"
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
)

// A file is read by the separator that it uses, which is said; where that can't be told, by the one that it names.
func TestTheSeparatorInUse(t *testing.T) {
	read := func(name string) string {
		data, err := os.ReadFile(public + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	claims, money := read("837/demo.example12.837"), read("835/cob-contractural-adjustment.835")
	named := func(data, separator string) string { return data[:104] + separator + data[105:] }
	for _, c := range []struct {
		name, data string
		want       byte
		said       bool
	}{
		{"claims, another named", named(claims, ":"), '>', true},
		{"claims, the right one named", named(claims, ">"), '>', false},
		{"claims, nothing like it named", named(claims, "!"), '>', true},
		{"money, another named: nothing is guessed", named(money, ":"), ':', false},
		{"money, the right one named", named(money, ">"), '>', false},
		{"one claim is written otherwise", named(strings.Replace(claims, "23>B>1", "23:B:1", 1), ":"), ':', false},
		{"a service is written otherwise", named(strings.Replace(claims, "SV1*HC>", "SV1*HC:", 1), ":"), ':', false},
		{"a diagnosis is written otherwise", named(strings.Replace(claims, "HI*BK>", "HI*BK:", 1), ":"), ':', false},
		{"a claim that fits nothing", named(strings.Replace(claims, "23>B>1", "23", 1), ":"), ':', false},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, found := open([]byte(c.data))
			if got := file.Interchanges[0].Separators.Component; got != c.want {
				t.Errorf("read by %q, want %q", got, c.want)
			}
			if said := slices.ContainsFunc(findings(found), func(f *pb.Finding) bool {
				return f.Code == "file.component_override" && f.Offset == 104
			}); said != c.said {
				t.Errorf("said: %t, want %t: %v", said, c.said, found)
			}
		})
	}
}
