package interchange

import (
	"regexp"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Composites that claims have, as they look between the separators: CLM05 is place of service, its list and frequency; HI01 is kind and code of a diagnosis; SV101 kind and code of a service.
var composites = map[string]struct {
	element int
	shape   *regexp.Regexp
}{
	"CLM": {5, regexp.MustCompile(`^[0-9A-Z]{1,2}([:><|^\\])[AB]([:><|^\\])[0-9]$`)},
	"HI":  {1, regexp.MustCompile(`^[A-Z]{2,3}([:><|^\\])[0-9A-Z]+$`)},
	"SV1": {1, regexp.MustCompile(`^[A-Z]{2}([:><|^\\])[0-9A-Z]{5}(?:[:><|^\\].*)?$`)},
}

// open reads a file. Claims of another billing system whose every composite is written with one and the same other separator than ISA16 names are read by that one, and the finding
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
			c, told := composites[s.ID]
			if !told {
				continue
			}
			// Where ISA16's separates something, there is more than one component.
			m := c.shape.FindStringSubmatch(s.Component(c.element, 1))
			if m == nil || len(s.Components(c.element)) > 1 || used != 0 && used != m[1][0] || len(m) > 2 && m[2] != m[1] {
				return 0
			}
			used = m[1][0]
		}
	}
	return used
}
