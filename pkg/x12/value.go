package x12

import (
	"strconv"
	"strings"
)

// Form says how well a number is written.
type Form uint8

const (
	Good   Form = iota
	Odd         // readable and exact, but not as the rules want it: -0, or zeros behind the last decimal that counts
	Broken      // not a number, or not exact in the unit asked for
)

// Units of scaled numbers: how many decimals one needs.
const (
	CentsDecimals    = 2 // money
	QuantityDecimals = 3 // units of service: 1500 is 1.5
	FractionDecimals = 6 // shares, as in EB08: 200000 is 20 %
)

// ParseDecimal reads a number of type R: an optional minus, digits, an optional point; neither plus, blank nor exponent; at most 18 digits.
// The result is scaled by the number of decimals: ParseDecimal("12.5", 2) is 1250.
func ParseDecimal(text string, decimals int) (int64, Form) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, part, _ := strings.Cut(digits, ".")
	if whole == "" && part == "" || len(whole)+len(part) > 18 {
		return 0, Broken
	}
	var n int64
	form := Good
	for _, c := range []byte(whole) {
		if c < '0' || c > '9' || n > 1e17 {
			return 0, Broken
		}
		n = n*10 + int64(c-'0')
	}
	for i := range max(len(part), decimals) {
		c := byte('0')
		if i < len(part) {
			c = part[i]
		}
		switch {
		case c < '0' || c > '9':
			return 0, Broken
		case i < decimals:
			if n > 9e17/10 {
				return 0, Broken
			}
			n = n*10 + int64(c-'0')
		case c != '0':
			return 0, Broken
		default:
			form = Odd
		}
	}
	if negative {
		if n == 0 {
			form = Odd
		}
		n = -n
	}
	return n, form
}

// FormatDecimal writes a scaled number in its shortest form: 100, 12.5, .5, -3.
func FormatDecimal(n int64, decimals int) string {
	sign, digits := "", strconv.FormatInt(n, 10)
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	if len(digits) <= decimals {
		digits = strings.Repeat("0", decimals-len(digits)+1) + digits
	}
	whole, part := digits[:len(digits)-decimals], strings.TrimRight(digits[len(digits)-decimals:], "0")
	switch {
	case part == "":
		return sign + whole
	case whole == "0":
		return sign + "." + part
	}
	return sign + whole + "." + part
}

// Money writes cents as X12 wants them.
func Money(cents int64) string { return FormatDecimal(cents, CentsDecimals) }

// Quantity writes thousandths as X12 wants them.
func Quantity(thousandths int64) string { return FormatDecimal(thousandths, QuantityDecimals) }

// ParseDate reads CCYYMMDD, a day of the calendar, as CCYY-MM-DD.
func ParseDate(text string) (string, bool) {
	if len(text) != 8 || !digitsOnly(text) {
		return "", false
	}
	if iso := text[:4] + "-" + text[4:6] + "-" + text[6:]; ValidDate(iso) {
		return iso, true
	}
	return "", false
}

// FormatDate writes CCYY-MM-DD as CCYYMMDD; what isn't a date comes back as it is, for the Writer to refuse.
func FormatDate(iso string) string {
	if !ValidDate(iso) {
		return iso
	}
	return iso[:4] + iso[5:7] + iso[8:]
}

// ValidDate says whether the text is a day of the calendar, as CCYY-MM-DD, from year 1800 on.
func ValidDate(iso string) bool {
	if len(iso) != 10 || iso[4] != '-' || iso[7] != '-' || !digitsOnly(iso[:4]) || !digitsOnly(iso[5:7]) || !digitsOnly(iso[8:]) {
		return false
	}
	year, month, day := number(iso[:4]), number(iso[5:7]), number(iso[8:])
	if year < 1800 || month < 1 || month > 12 || day < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		days = 29
	}
	return day <= days
}

// ValidTime says whether the text is HHMM, HHMMSS or HHMMSSd[d].
func ValidTime(text string) bool {
	if n := len(text); n < 4 || n > 8 || n == 5 || !digitsOnly(text) {
		return false
	}
	return text[:2] < "24" && text[2:4] < "60" && (len(text) == 4 || text[4:6] < "60")
}

func digitsOnly(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return text != ""
}

// number is the value of a text of few digits.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}
