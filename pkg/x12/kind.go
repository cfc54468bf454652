package x12

import "strings"

// Kind names what a set is, by ST01 and its guide.
type Kind string

const (
	K837P   Kind = "837P"
	K837I   Kind = "837I"
	K837D   Kind = "837D"
	K835    Kind = "835"
	K270    Kind = "270"
	K271    Kind = "271"
	K276    Kind = "276"
	K277    Kind = "277"
	K277CA  Kind = "277CA"
	K278    Kind = "278"
	K275    Kind = "275"
	K820    Kind = "820"
	K834    Kind = "834"
	K999    Kind = "999"
	KTA1    Kind = "TA1"
	Unknown Kind = "unknown" // X12, but no kind of ours
	NotX12  Kind = "not X12"
)

// guides are the kinds by set and guide; a guide may have letters and errata behind it: X222, X222A1, X222A2.
var guides = []struct {
	set, guide string
	kind       Kind
}{
	{"837", "X222", K837P}, {"837", "X223", K837I}, {"837", "X224", K837D},
	{"835", "X221", K835}, {"835", "", K835},
	{"270", "X279", K270}, {"271", "X279", K271}, {"276", "X212", K276},
	{"277", "X212", K277}, {"277", "X214", K277CA},
	{"278", "X217", K278}, {"278", "X216", K278}, {"275", "X314", K275}, {"275", "X210", K275},
	{"820", "X218", K820}, {"834", "X220", K834}, {"999", "X231", K999},
}

// functional is GS01 for each ST01.
var functional = map[string]string{
	"837": "HC", "835": "HP", "270": "HS", "271": "HB", "276": "HR", "277": "HN", "278": "HI", "999": "FA", "997": "FA",
	"275": "PI", "834": "BE", "820": "RA",
}

// KindOf is the kind of a set by ST01 and its version (ST03, or GS08 where ST03 is missing).
func KindOf(set, version string) Kind {
	for _, g := range guides {
		if g.set == set && (g.guide == "" || isGuide(version, g.guide)) {
			return g.kind
		}
	}
	return Unknown
}

// isGuide says whether a version such as 005010X222A1 is of the guide X222, whatever its errata.
func isGuide(version, guide string) bool {
	_, rest, found := strings.Cut(version, guide)
	return found && strings.HasPrefix(version, "00") && (rest == "" || rest[0] == 'A')
}

// Sniffed is what the begin of a file says about it.
type Sniffed struct {
	Kind     Kind
	Set      string // ST01
	Version  string // ST03, or GS08
	Sender   string // ISA06
	Receiver string // ISA08
	Control  string // ISA13
}

func (s Sniffed) String() string {
	if s.Kind == Unknown {
		return "unknown (ST01 " + quoted(s.Set) + ", version " + quoted(s.Version) + ")"
	}
	return string(s.Kind)
}

func quoted(text string) string {
	if text == "" {
		return "missing"
	}
	return `"` + text + `"`
}

// Sniff says what the first set of a file is, from its first segments only. NotX12 when no interchange begins there.
func Sniff(data []byte) Sniffed {
	s := newBytesScanner(data, Options{})
	found := Sniffed{Kind: NotX12}
	for s.Scan() {
		switch seg := s.Segment(); seg.ID {
		case "ISA":
			if found.Kind != NotX12 {
				return found
			}
			found = Sniffed{Kind: Unknown, Sender: seg.At(6), Receiver: seg.At(8), Control: seg.At(13)}
		case "TA1":
			found.Kind = KTA1 // unless a set follows
		case "GS":
			found.Version = seg.At(8)
		case "ST":
			found.Set = seg.At(1)
			if v := seg.At(3); v != "" {
				found.Version = v
			}
			found.Kind = KindOf(found.Set, found.Version)
			return found
		}
	}
	return found
}
