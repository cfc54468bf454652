package x12

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lengths are type, least and most length of data elements by number (base standard; 447 as 005010 has it).
const lengths = `
AN 1 2 1331 1341
AN 1 6 447
AN 1 10 1038 1039
AN 1 12 734 628 480
AN 1 16 429
AN 1 25 1037
AN 1 30 310 799 1271
AN 1 35 508 1036 1705
AN 1 38 1028
AN 1 48 234
AN 1 50 127 1204
AN 1 55 166
AN 1 60 93 1035
AN 1 80 352
AN 1 99 724
AN 1 256 364
AN 1 264 933
AN 2 2 1339
AN 2 15 142 124
AN 2 30 19
AN 2 80 67
AN 3 12 507
AN 4 9 329
AN 9 9 510
AN 10 10 509
ID 1 1 478 679 715 717 736 889 923 1065 1068 1073 1138 1143 1213 1216 1218 1220 1314 1315 1322 1325 1327 1351 1359 1360 1363 1384 1701
ID 1 2 66 305 306 309 455 481 615 678 735 756 1029 1032 1033 1219 1332 1340 1343 1352 1364 1365 1390 1514 1525
ID 1 3 522 569 618 620 621 716 1221 1270 1336 1338 1715
ID 1 4 1354
ID 1 5 1034
ID 1 10 812
ID 2 2 156 235 353 355 365 366 426 479 506 559 584 640 673 755 901 1069 1383
ID 2 3 26 98 128 721 1203 1205 1250 1362 1366
ID 3 3 143 363 374 591 875 1207
ID 3 15 116
ID 4 4 1005
N0 1 2 722 757 1328 1528
N0 1 3 616
N0 1 4 725 1686
N0 1 6 2 97 123 554 719
N0 1 9 28
N0 1 10 96
R 1 6 1167
R 1 10 81 954 1371
R 1 15 380
R 1 18 782
`

// relations between the elements of a segment: P all or none, R one at least, E one at most, C the others when the first is there, L one other at
// least when the first is there.
const relations = `
NM1 P0809
N1 P0304 R0203
N4 E0207 C0605 C0704
PER P0304 P0506 P0708
REF R0203
DMG P0102
PAT P0506 P0708
PWK P0506
LQ C0102
SV1 P0304
BPR P0607 C0809 P1213 C1415
PLB P0506 P0708 P0910 P1112 P1314
EB P0910
HSD P0102 C0605
CAS L050607 C0605 C0705 L080910 C0908 C1008 L111213 C1211 C1311 L141516 C1514 C1614 L171819 C1817 C1917
`

// repeating are the elements that may repeat.
var repeating = map[string]int{"EB": 3, "EQ": 1}

type elementType struct {
	kind        string
	least, most int
}

type relation struct {
	kind     byte
	elements []int
}

var elementTypes = func() map[string]elementType {
	types := map[string]elementType{}
	for _, line := range strings.Split(strings.TrimSpace(lengths), "\n") {
		f := strings.Fields(line)
		for _, n := range f[3:] {
			types[n] = elementType{f[0], number(f[1]), number(f[2])}
		}
	}
	return types
}()

var segmentRelations = func() map[string][]relation {
	all := map[string][]relation{}
	for _, line := range strings.Split(strings.TrimSpace(relations), "\n") {
		f := strings.Fields(line)
		for _, text := range f[1:] {
			r := relation{kind: text[0]}
			for i := 1; i < len(text); i += 2 {
				r.elements = append(r.elements, number(text[i:i+2]))
			}
			all[f[0]] = append(all[f[0]], r)
		}
	}
	return all
}()

// Syntax checks one segment by the dictionary: how many elements and components it has, how long they are, and which belong together. Segments
// that the dictionary here doesn't have are fine. What an element means (codes, days, numbers) is for the typed views.
func Syntax(seg Segment) Diagnostics {
	numbers, known := elementNumbers[seg.ID]
	if !known {
		return nil
	}
	var found Diagnostics
	report := func(code Code, element, component int, format string, args ...any) {
		found = append(found, NewDiagnostic(code, seg.Source, format, args...).AtElement(seg, element, component))
	}
	for e := 1; e <= seg.Len(); e++ {
		if len(seg.element(e)) == 0 {
			continue
		}
		if e > len(numbers) {
			report(ElementTooMany, e, 0, "%s has at most %d elements", seg.ID, len(numbers))
			break
		}
		if plain := seg.element(e); bytes.IndexByte(plain, seg.sep.Component) < 0 && (seg.sep.Repetition == 0 || bytes.IndexByte(plain, seg.sep.Repetition) < 0) {
			number := numbers[e-1]
			if inside, composite := elementNumbers[number]; composite {
				number = inside[0]
			}
			checkLength(number, value(plain), func(code Code, text string) { report(code, e, 0, "%s%02d %s", seg.ID, e, text) })
			continue
		}
		repeats := seg.Element(e)
		if len(repeats) > 1 && repeating[seg.ID] != e {
			report(ElementRepeats, e, 0, "%s%02d doesn't repeat", seg.ID, e)
		}
		for _, components := range repeats {
			checkComponents(seg.ID, e, numbers[e-1], components, report)
		}
	}
	for _, r := range segmentRelations[seg.ID] {
		if element, text := r.broken(seg); element > 0 {
			report(ElementPair, element, 0, "%s", text)
		}
	}
	return found
}

func checkComponents(id string, e int, number string, components []string, report func(Code, int, int, string, ...any)) {
	inside, composite := elementNumbers[number]
	switch {
	case !composite && strings.HasPrefix(number, "C"): // one whose components aren't known here
	case !composite && len(components) > 1:
		report(ElementComponents, e, 0, "%s%02d is no composite", id, e)
	case !composite && len(components) == 1:
		checkLength(number, components[0], func(code Code, text string) { report(code, e, 0, "%s%02d %s", id, e, text) })
	case len(components) > len(inside):
		report(ElementComponents, e, 0, "%s%02d has at most %d components", id, e, len(inside))
	default:
		for k, c := range components {
			checkLength(inside[k], c, func(code Code, text string) { report(code, e, k+1, "%s%02d-%d %s", id, e, k+1, text) })
		}
	}
}

func checkLength(number, value string, report func(Code, string)) {
	t, known := elementTypes[number]
	n := utf8.RuneCountInString(value)
	if t.kind == "R" || t.kind == "N0" { // sign and point don't count
		n -= strings.Count(value, "-") + strings.Count(value, ".")
	}
	switch {
	case !known || n == 0:
	case n > t.most:
		report(ElementLong, "has at most "+strconv.Itoa(t.most)+" characters, this one has "+strconv.Itoa(n))
	case n < t.least:
		report(ElementShort, "has at least "+strconv.Itoa(t.least)+" characters, this one has "+strconv.Itoa(n))
	}
}

// broken gives the element where the relation fails, 0 when it holds.
func (r relation) broken(seg Segment) (element int, why string) {
	given := func(e int) bool { return len(seg.element(e)) > 0 }
	some, all, first, missing := 0, true, 0, 0
	for _, e := range r.elements {
		if given(e) {
			some++
			if first == 0 {
				first = e
			}
		} else {
			all = false
			if missing == 0 {
				missing = e
			}
		}
	}
	names := make([]string, len(r.elements))
	for i, e := range r.elements {
		names[i] = fmt.Sprintf("%s%02d", seg.ID, e)
	}
	list := strings.Join(names, ", ")
	switch r.kind {
	case 'P':
		if some > 0 && !all {
			return missing, list + " come together or not at all"
		}
	case 'R':
		if some == 0 {
			return r.elements[0], "one of " + list + " must be given"
		}
	case 'E':
		if some > 1 {
			return r.elements[1], "only one of " + list + " may be given"
		}
	case 'C':
		if given(r.elements[0]) && !all {
			return missing, names[0] + " needs " + strings.Join(names[1:], ", ")
		}
	case 'L':
		if given(r.elements[0]) && some == 1 {
			return r.elements[1], names[0] + " needs one of " + strings.Join(names[1:], ", ")
		}
	}
	return 0, ""
}
