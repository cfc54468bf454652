package date

import "testing"

func TestDays(t *testing.T) {
	for _, c := range []struct {
		name string
		got  any
		want any
	}{
		{"a leap day is a day", Valid("2024-02-29"), true},
		{"not in other years", Valid("2026-02-29"), false},
		{"no short forms", Valid("2026-3-1"), false},
		{"nothing is not a day", Valid(""), false},
		{"adding over a month's end", Add("2026-01-31", 1), "2026-02-01"},
		{"subtracting over a leap day", Add("2024-03-01", -1), "2024-02-29"},
		{"over the change to summer time", Days("2026-03-07", "2026-03-09"), 2},
		{"backwards", Days("2026-03-02", "2026-03-01"), -1},
		{"the last day counts", Within("2026-06-30", "2026-01-01", "2026-06-30"), true},
		{"an open end", Within("2099-01-01", "2026-01-01", ""), true},
		{"the day before a birthday", Age("2000-03-02", "2026-03-01"), 25},
		{"the birthday", Age("2000-03-02", "2026-03-02"), 26},
		{"a Sunday belongs to the Monday before", Week("2026-11-29"), "2026-11-23"},
		{"a Monday is its own", Week("2026-11-23"), "2026-11-23"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}
