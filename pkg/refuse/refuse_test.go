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
