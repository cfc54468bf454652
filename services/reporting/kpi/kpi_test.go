package kpi

import "testing"

func TestValue(t *testing.T) {
	rate := Figure{Unit: Percent, Scale: 1}
	days := Figure{Unit: Days, Scale: 90}
	for _, c := range []struct {
		name     string
		f        Figure
		num, den int64
		want     int64
	}{
		{"a third", rate, 1, 3, 333_333},
		{"all", rate, 5, 5, 1_000_000},
		{"none", rate, 0, 5, 0},
		{"30 days", days, 1_000_00, 3_000_00, 29_999_970},
		{"large sums do not overflow", rate, 9_000_000_000_000_00, 9_000_000_000_000_00, 1_000_000},
	} {
		if got, ok := c.f.Value(c.num, c.den); !ok || got != c.want {
			t.Errorf("%s: got %d, %v, want %d", c.name, got, ok, c.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	if _, known := (Figure{Unit: Percent, Scale: 1}).Value(0, 0); known {
		t.Fatal("a rate of nothing is known")
	}
	if v, known := (Figure{Unit: Money}).Value(7, 0); !known || v != 7 {
		t.Fatal("an amount needs no denominator")
	}
}

func TestWindow(t *testing.T) {
	f := Figure{Window: 90, Lag: 30}
	if f.From("2026-04-30") != "2026-01-01" || f.Thru("2026-04-30") != "2026-03-31" {
		t.Fatalf("the window is %s to %s", f.From("2026-04-30"), f.Thru("2026-04-30"))
	}
}

func TestFiguresAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Figures {
		if f.ID == "" || f.Version < 1 || f.Name == "" || f.Formula == "" || f.Unit == "" || f.Numerator == "" || f.SQL == "" || seen[f.ID] {
			t.Errorf("%q is not whole, or is there twice", f.ID)
		}
		seen[f.ID] = true
	}
}
