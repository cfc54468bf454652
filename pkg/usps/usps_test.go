package usps

import "testing"

func TestStates(t *testing.T) {
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if State(string([]rune{a, b})) {
				n++
			}
		}
	}
	if n != 62 {
		t.Errorf("%d states, want 50, the District, 8 territories and free states, 3 of the military", n)
	}
	for _, no := range []string{"", "ZZ", "il", "I", "ILL", " I", "L ", "AL AK"} {
		if State(no) {
			t.Errorf("%q is a state", no)
		}
	}
}
