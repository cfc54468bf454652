package memlog_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/logtest"
	"github.com/evenkeel/evenkeel/pkg/eventlog/memlog"
)

func TestMemlog(t *testing.T) {
	logtest.Run(t, func(*testing.T) (eventlog.Log, func() eventlog.Log) {
		log := memlog.New("here")
		return log, func() eventlog.Log { return log }
	})
}

func TestFaultBeforeTheCommitLeavesNothingAndAfterItEverything(t *testing.T) {
	broken := errors.New("broken")
	for op, want := range map[string]int64{memlog.BeforeCommit: 0, memlog.AfterCommit: 1} {
		log := memlog.New("here")
		log.Faults = func(at string) error {
			if at == op {
				return broken
			}
			return nil
		}
		_, err := log.Append(t.Context(), eventlog.Unit{Appends: []eventlog.Append{{
			StreamKey: eventlog.StreamKey{Tenant: uuid.New(), Stream: "a/1"},
			Events:    []eventlog.Pending{{Record: &platformv1.StoredEvent{EventId: uuid.NewString(), Type: "x.Y", OccurredOn: "2026-03-02"}}},
		}}})
		if head, _ := log.Head(t.Context()); !errors.Is(err, broken) || head.Position != want {
			t.Errorf("%s: %v, position %d, want %d", op, err, head.Position, want)
		}
	}
}
