package refuse

import (
	"errors"
	"fmt"
	"testing"
)

func TestAllReasonsAtOnce(t *testing.T) {
	a := Rule{ID: "a.holds", Version: 1, Owner: "billing"}
	b := Rule{ID: "b.exists", Version: 2, Owner: "intake", NotFound: true}

	var none List
	if _, err := none.Or(); err != nil {
		t.Fatalf("an empty list refuses: %v", err)
	}

	var both List
	both.If(true, a, "x", "%d is too many", 3)
	both.If(false, a, "y", "not broken")
	both.If(true, b, "z", "no such thing")
	_, err := both.Or()
	wrapped := fmt.Errorf("decide: %w", err)
	if got := Reasons(wrapped); len(got) != 2 || got[0].RuleId != "a.holds" || got[1].RuleVersion != 2 || got[0].Message != "3 is too many" {
		t.Fatalf("reasons were lost: %v", got)
	}
	var e *Error
	if !errors.As(wrapped, &e) || e.NotFound {
		t.Fatal("one reason of another kind makes it more than a missing thing")
	}
	if !errors.As(Because(b, "z", "no such thing"), &e) || !e.NotFound {
		t.Fatal("only missing things: not found")
	}
	if Reasons(errors.New("disk full")) != nil {
		t.Fatal("a fault is not a refusal")
	}
}

func TestTouch(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"amount", "amount", true},
		{"address", "address.state", true},
		{"lines[1].units", "lines[1]", true},
		{"lines", "lines[1].units", true},
		{"lines[1]", "lines[10]", false},
		{"name", "names", false},
		{"name.first", "name.last", false},
		{"", "name", false},
		{"", "", false},
	} {
		if got := Touch(c.a, c.b); got != c.want || Touch(c.b, c.a) != c.want {
			t.Errorf("%q and %q: %t", c.a, c.b, got)
		}
	}
}

func TestTogether(t *testing.T) {
	one, two := Because(Rule{ID: "a.holds"}, "x", "first"), Because(Rule{ID: "b.holds"}, "y", "second")
	if got := Reasons(Together(one, nil, fmt.Errorf("list: %w", two))); len(got) != 2 || got[0].RuleId != "a.holds" || got[1].RuleId != "b.holds" {
		t.Errorf("together: %v", got)
	}
	if err := Together(nil, nil); err != nil {
		t.Errorf("nothing is wrong, and yet: %v", err)
	}
	fault := errors.New("the database is gone")
	if err := Together(one, fault); !errors.Is(err, fault) {
		t.Errorf("a fault became %v", err)
	}
}
