package console

import "testing"

func TestRoles(t *testing.T) {
	for _, c := range []struct {
		role, pattern string
		want          bool
	}{
		{"admin", "POST /work-items/{id}/resolutions", true},
		{"biller", "POST /work-items/{id}/resolutions", true},
		{"finance", "POST /work-items/{id}/resolutions", false},
		{"read_only", "GET /remittances", false},
		{"finance", "GET /remittances/{id}", true},
		{"finance", "GET /patients/{id}", false},
		{"read_only", "GET /patients/{id}", true},
		{"read_only", "GET /claims", true},
		{"finance", "GET /{$}", true},
	} {
		if got := allowed(c.role, c.pattern); got != c.want {
			t.Errorf("%s on %s: %v, want %v", c.role, c.pattern, got, c.want)
		}
	}
}

func TestNextStaysOnThisSite(t *testing.T) {
	for path, want := range map[string]bool{"/claims?status=held": true, "//evil.example": false, "https://evil.example": false, `/\evil.example`: false, "": false} {
		if inside(path) != want {
			t.Errorf("%q: %v, want %v", path, !want, want)
		}
	}
}

func TestPercentagesAndCounts(t *testing.T) {
	for in, want := range map[int64]string{123_456: "12.3%", 0: "0.0%", 999_950: "100.0%", -20_000: "−2.0%"} {
		if got := rate(in); got != want {
			t.Errorf("%d: %s, want %s", in, got, want)
		}
	}
	if got := grouped(1234567); got != "1,234,567" {
		t.Error(got)
	}
	if got := eventName("evenkeel.posting.v1.ChargePosted"); got != "Charge posted" {
		t.Error(got)
	}
}

func TestASpreadsheetReadsNoFormula(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "-12.00": "-12.00", "-x": "'-x", "@a": "'@a", "Harbor": "Harbor", "": ""} {
		if got := harmless(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for name, want := range map[string]string{
		"Harbor Mutual": "Harbor Mutual", "Clearwater Behavioral": "Clearwater Beha…", "EXTRA HEALTHY INSURANCE": "EXTRA HEALTH…", "": "",
	} {
		if got := clip(name, 17); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}
