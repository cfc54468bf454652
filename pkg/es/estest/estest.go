// Package estest runs the tables that state a service's rules: given a history, when a command comes, then these events or this refusal.
//
// A Case names the rule as a biller would. Refused lists the ids of all rules that must be named, in order, separated by spaces; a case without Then and
// Refused says that nothing changes. The promise: a case fails on a missing, an additional or a different event or reason.
package estest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Case is one line of a table. C is the command.
type Case[C any] struct {
	Name    string
	Given   []es.Event
	When    C
	Then    []es.Event
	Refused string // rule ids, in order, separated by spaces
}

// Run runs the table against a decision.
func Run[S, C any](t *testing.T, s es.Stream[S], decide func(S, C) ([]es.Event, error), cases []Case[C]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Helper()
			events, err := decide(Fold(s, c.Given), c.When)
			var ids []string
			for _, r := range refuse.Reasons(err) {
				ids = append(ids, r.RuleId)
			}
			if err != nil && ids == nil {
				t.Fatalf("a fault, not a refusal: %v", err)
			}
			if got := strings.Join(ids, " "); got != c.Refused {
				t.Fatalf("refused by %q, want %q (%v)", got, c.Refused, err)
			}
			Same(t, events, c.Then)
		})
	}
}

// Fold is the state after a history.
func Fold[S any](s es.Stream[S], history []es.Event) S {
	var state S
	for _, e := range history {
		state = s.Evolve(state, e)
	}
	return state
}

// Same compares events.
func Same(t *testing.T, got, want []es.Event) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Fatalf("other events than expected (-want +got):\n%s", diff)
	}
}
