package kpi

import "testing"

func TestMonthOf(t *testing.T) {
	for _, c := range []struct {
		name, asOf, first string
		want              Month
		says              string
	}{
		{"the last whole month against the three before", "2026-06-15", "2025-01-10", Month{"2026-05-01", "2026-05-31", "2026-02-01", "2026-04-30", 3}, "the 3 months before, 2026-02-01 to 2026-04-30"},
		{"a month is whole on its last day", "2026-05-31", "2025-01-10", Month{"2026-05-01", "2026-05-31", "2026-02-01", "2026-04-30", 3}, "the 3 months before, 2026-02-01 to 2026-04-30"},
		{"across the new year", "2026-02-10", "2025-01-10", Month{"2026-01-01", "2026-01-31", "2025-10-01", "2025-12-31", 3}, "the 3 months before, 2025-10-01 to 2025-12-31"},
		{"books that begin two months before it", "2026-06-15", "2026-03-09", Month{"2026-05-01", "2026-05-31", "2026-03-01", "2026-04-30", 2}, "2 of the 3 months before, 2026-03-01 to 2026-04-30: the first claims are of then"},
		{"one month before it", "2026-06-15", "2026-04-30", Month{"2026-05-01", "2026-05-31", "2026-04-01", "2026-04-30", 1}, "1 of the 3 months before, 2026-04-01 to 2026-04-30: the first claims are of then"},
		{"in the month itself", "2026-06-15", "2026-05-31", Month{"2026-05-01", "2026-05-31", "2026-05-01", "2026-05-31", 1}, "the same days, 2026-05-01 to 2026-05-31: no month before it has claims yet"},
		{"in a month that is not over", "2026-06-15", "2026-06-02", Month{"2026-06-01", "2026-06-15", "2026-06-01", "2026-06-15", 1}, "the same days, 2026-06-01 to 2026-06-15: no month before it has claims yet"},
	} {
		if got := MonthOf(c.asOf, c.first); got != c.want || got.Say() != c.says {
			t.Errorf("%s: got %+v, %q", c.name, got, got.Say())
		}
	}
}
