package pcn

import (
	"fmt"
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the claim: 17 letters and digits, the same again, and one wrong or two swapped neighbours are noticed.
func TestCheckCharacter(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z0-9]{17}$`)
	rapid.Check(t, func(t *rapid.T) {
		n := Of(rapid.String().Draw(t, "claim"))
		if !form.MatchString(n) || !Valid(n) {
			t.Fatalf("%q is no number", n)
		}
		at := rapid.IntRange(1, size-1).Draw(t, "at")
		wrong := []byte(n)
		wrong[at] = alphabet[rapid.IntRange(0, len(alphabet)-1).Draw(t, "char")]
		if string(wrong) != n && Valid(string(wrong)) {
			t.Fatalf("%s for %s is not noticed", wrong, n)
		}
		swapped := []byte(n)
		swapped[at-1], swapped[at] = swapped[at], swapped[at-1]
		if string(swapped) != n && Valid(string(swapped)) {
			t.Fatalf("%s for %s is not noticed", swapped, n)
		}
	})
}

func TestOf(t *testing.T) {
	if a, b := Of("clm_1"), Of("clm_2"); a == b || a != Of("clm_1") {
		t.Fatal(a, b)
	}
	for _, s := range []string{"", "E", "é0000000000000000", "X00000000000000AA", "E00000000000000000"} {
		if Valid(s) {
			t.Fatalf("%q is none", s)
		}
	}
}

// Every single wrong character and every swap of neighbours, of many numbers.
func TestNothingPassesUnnoticed(t *testing.T) {
	for i := range 300 {
		n := Of(fmt.Sprint("clm_", i))
		for at := 1; at < size; at++ {
			wrong := []byte(n)
			for _, c := range alphabet {
				if wrong[at] = byte(c); string(wrong) != n && Valid(string(wrong)) {
					t.Fatalf("%s for %s is not noticed", wrong, n)
				}
			}
			swapped := []byte(n)
			swapped[at-1], swapped[at] = swapped[at], swapped[at-1]
			if string(swapped) != n && Valid(string(swapped)) {
				t.Fatalf("%s for %s is not noticed", swapped, n)
			}
		}
	}
}
