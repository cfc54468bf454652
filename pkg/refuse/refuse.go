// Package refuse is how a decision says no: with every rule that was not met, at once.
//
// A Rule is a value with an id, a version and an owner; a List collects the rules that a command breaks; Or ends a decision with events or with
// one Error that carries all reasons. A refusal is an answer, not a fault: the edge turns it into an RFC 9457 problem document, a reaction that
// nobody hears turns it into an event. The promise: no reason is lost on the way (TestAllReasonsAtOnce).
package refuse

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
)

// Rule is something that must hold. ID is stable ("claims.timely_filing") and stated as what holds; Version rises when its meaning changes;
// Owner is the team that can mend what breaks it. NotFound marks the rules that say "there is no such thing".
type Rule struct {
	ID       string
	Version  int32
	Owner    string
	NotFound bool
}

// Error is a refusal: one or more rules that were not met.
type Error struct {
	Reasons []*problemv1.Reason
	// NotFound: all of the reasons say that the thing asked for does not exist.
	NotFound bool
}

func (e *Error) Error() string {
	said := make([]string, len(e.Reasons))
	for i, r := range e.Reasons {
		said[i] = fmt.Sprintf("%s (%s)", r.Message, r.RuleId)
	}
	return strings.Join(said, "; ")
}

// List collects reasons. The zero value is an empty list.
type List struct {
	reasons []*problemv1.Reason
	found   bool
}

// If adds a reason when broken is true. field is the proto path of what is wrong; the message says what was asked, what holds and what to do, and
// never names a person.
func (l *List) If(broken bool, rule Rule, field, format string, args ...any) {
	if !broken {
		return
	}
	l.found = l.found || !rule.NotFound
	l.reasons = append(l.reasons, &problemv1.Reason{
		RuleId: rule.ID, RuleVersion: rule.Version, Owner: rule.Owner, Field: field, Message: fmt.Sprintf(format, args...),
	})
}

// Add takes over reasons that were found elsewhere.
func (l *List) Add(reasons ...*problemv1.Reason) {
	l.found = l.found || len(reasons) > 0
	l.reasons = append(l.reasons, reasons...)
}

// Any says whether a reason was found.
func (l *List) Any() bool { return len(l.reasons) > 0 }

// Reasons are the reasons found so far.
func (l *List) Reasons() []*problemv1.Reason { return l.reasons }

// Err is the refusal, or nil when every rule was met.
func (l *List) Err() error {
	if len(l.reasons) == 0 {
		return nil
	}
	return &Error{Reasons: l.reasons, NotFound: !l.found}
}

// Or ends a decision: the events when every rule was met, else the refusal.
func (l *List) Or(events ...proto.Message) ([]proto.Message, error) {
	if err := l.Err(); err != nil {
		return nil, err
	}
	return events, nil
}

// Because is a refusal by one rule.
func Because(rule Rule, field, format string, args ...any) error {
	var l List
	l.If(true, rule, field, format, args...)
	return l.Err()
}

// Together is one refusal with the reasons of all, or the first error that is none; nil where nothing is wrong.
func Together(errs ...error) error {
	var all List
	for _, err := range errs {
		reasons := Reasons(err)
		if err != nil && reasons == nil {
			return err
		}
		all.Add(reasons...)
	}
	return all.Err()
}

// Reasons are the reasons of a refusal, nil for any other error and for none.
func Reasons(err error) []*problemv1.Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reasons
	}
	return nil
}

// Touch says whether two proto paths name the same place, or one lies in the other: address and address.state, lines[1] and lines[1].units. The empty path names no place.
func Touch(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	rest, in := strings.CutPrefix(b, a)
	return a != "" && in && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
