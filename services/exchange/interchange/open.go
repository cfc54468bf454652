package interchange

import (
	"regexp"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// facility is CLM05 as every claim has it: place of service, its list, frequency; between them any separator that stands twice.
var facility = regexp.MustCompile(`^[0-9A-Z]{1,2}([:><|^\\])[AB]([:><|^\\])[0-9]$`)

// open reads a file. Claims of another billing system whose every CLM05 is written with one and the same other separator than ISA16 names are read by that one, and the finding
// x12.FileOverride says so: exports copy ISA16 from elsewhere. Anything less certain, and money, is read as ISA16 says (docs/decisions/0008). It depends on the bytes alone, so
// whoever reads them again reads the same.
func open(data []byte) (*x12.File, x12.Diagnostics) {
	file, found := x12.Read(data)
	if c := separator(file); c != 0 {
		return x12.ReadWith(data, x12.Options{Component: c})
	}
	return file, found
}

// separator is the one that is really used; 0: the one of ISA16, or it can't be told.
func separator(file *x12.File) (used byte) {
	for _, set := range file.Sets() {
		if set.Kind != x12.K837P {
			return 0
		}
		for _, s := range set.Segments {
			if s.ID != "CLM" {
				continue
			}
			m := facility.FindStringSubmatch(s.Component(5, 1)) // read by ISA16's, a whole one is no match
			if m == nil || m[1] != m[2] || used != 0 && used != m[1][0] {
				return 0
			}
			used = m[1][0]
		}
	}
	return used
}
