package x12

import (
	"strconv"
	"strings"
)

// layout gives the data element numbers of each segment and composite by position, C… standing for a composite.
const layout = `
ST 143 329 1705
SE 96 329
BHT 1005 353 127 373 337 640
NM1 98 1065 1035 1036 1037 1038 1039 66 67 706 98 1035
N1 98 93 66 67
N2 93 93
N3 166 166
N4 19 156 116 26 309 310 1715
PER 366 93 365 364 365 364 365 364
REF 128 127 352 C040
HL 628 734 735 736
PRV 1221 128 127
SBR 1138 1069 127 93 1336 1143 1073 584 1032
DMG 1250 1251 1068
LX 554
PAT 1069 1384 584 1220 1250 1251 355 81 1073
DTP 374 1250 1251
DTM 374 373
CLM 1028 782 1032 1343 C023 1073 1359 1073 1363 1351 C024 1366 1073 1338 1073 1360 1029 1073 1383 1514
PWK 755 756 757 98 66 67
AMT 522 782
QTY 673 380
NTE 363 352
HI C022 C022 C022 C022 C022 C022 C022 C022 C022 C022 C022 C022
SV1 C003 782 355 380 1331 1365 C004 782 1073 1340 1073 1073 1364 1341 1327
SVD 67 782 C003 234 380 554
CAS 1033 1034 782 380 1034 782 380 1034 782 380 1034 782 380 1034 782 380 1034 782 380
OI 1032 1383 1073 1351 1360 1363
BPR 305 782 478 591 812 506 507 569 508 509 510 506 507 569 508 373
TRN 481 127 509 127
CLP 1028 1029 782 782 782 1032 127 1331 1325 1352 1354 380 954 1073
SVC C003 782 782 234 380 C003 380
MOA 954 782 127 127 127 127 127 782 782
LQ 1270 1271
PLB 127 373 C042 782 C042 782 C042 782 C042 782 C042 782 C042 782
EQ 1365 C003 1207 1336 C004
EB 1390 1207 1365 1336 1204 615 782 954 673 380 1073 1073 C003 C004
AAA 1073 559 901 889
HSD 673 380 355 1167 615 616 678 679
INS 1073 1069 875 1203 1216 C052 1219 584 1220 1073 1250 1251
MSG 933
III 1270 1271
LS 447
LE 447
STC C043 373 306 782 782 373 591 373 429 C043 C043 933
AK1 479 28 480
AK2 143 329 1705
IK3 721 719 447 620
IK4 C030 725 621 724
IK5 717 618 618 618 618 618
AK9 715 97 123 2 716 716 716 716 716
C003 235 234 1339 1339 1339 1339 352 234
C004 1328 1328 1328 1328
C022 1270 1271 1250 1251 782 380 799 1271 1073
C023 1331 1332 1325
C024 1362 1362 1362 156 26
C030 722 1528 1686
C042 426 127
C043 1271 1271 98 1270
`

var elementNumbers = func() map[string][]string {
	numbers := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(layout), "\n") {
		fields := strings.Fields(line)
		numbers[fields[0]] = fields[1:]
	}
	return numbers
}()

// ElementNumberOf is the number in the data element dictionary of an element, or of a component of it; 0 when it has none or isn't known.
func ElementNumberOf(segment string, element, component int) int {
	number := elementAt(segment, element)
	if strings.HasPrefix(number, "C") {
		if component < 1 {
			return 0 // a composite as a whole has none
		}
		number = elementAt(number, component)
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return n
}

func elementAt(of string, i int) string {
	if numbers := elementNumbers[of]; i >= 1 && i <= len(numbers) {
		return numbers[i-1]
	}
	return ""
}
