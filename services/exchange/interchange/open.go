package interchange

import (
	"regexp"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Composites that every claim and every paid line has, and what they look like when they are read by the right separator (S).
var witnesses = map[string]struct {
	element int
	shape   string
}{
	"CLM": {5, `^[0-9A-Z]{1,2}S[AB]S[0-9]$`},                 // place of service, its list, frequency
	"SVC": {1, `^(HC|AD|ER|HP|IV|N4|NU|RB|WK)S[^S]+(S.*)?$`}, // kind of code, code
}

// open reads a file. Where every composite that tells is written with one and the same other separator than ISA16 names, the file is read by that one, and the finding
// x12.FileOverride says so: other systems' exports copy ISA16 from elsewhere. Anything less certain is read as ISA16 says. It depends on the bytes alone, so whoever reads
// them again reads the same.
func open(data []byte) (*x12.File, x12.Diagnostics) {
	file, found := x12.Read(data)
	if c := separator(file); c != 0 {
		return x12.ReadWith(data, x12.Options{Component: c})
	}
	return file, found
}

// separator is the one that is really used; 0: the one of ISA16, or it can't be told.
func separator(file *x12.File) byte {
	var told [][2]string // segment, composite
	for _, set := range file.Sets() {
		if set.Kind != x12.K837P && set.Kind != x12.K835 {
			continue
		}
		for _, s := range set.Segments {
			w, ok := witnesses[s.ID]
			if !ok {
				continue
			}
			if len(s.Components(w.element)) != 1 {
				return 0 // ISA16's separates something
			}
			told = append(told, [2]string{s.ID, s.Component(w.element, 1)})
		}
	}
	var fits byte
	for _, c := range []byte(":><|^\\") {
		shapes := map[string]*regexp.Regexp{}
		for id, w := range witnesses {
			shapes[id] = regexp.MustCompile(strings.ReplaceAll(w.shape, "S", regexp.QuoteMeta(string(c))))
		}
		all := len(told) > 0
		for _, t := range told {
			all = all && shapes[t[0]].MatchString(t[1])
		}
		switch {
		case all && fits != 0:
			return 0
		case all:
			fits = c
		}
	}
	return fits
}
