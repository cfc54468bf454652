package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"google.golang.org/protobuf/proto"
)

// settle is how many weeks go by after the last session, so that the payers' runs arrive.
const settle = 5

// When the group works, by UTC: the desk in the morning, records and billing in the evening.
const (
	opens  = 13 * time.Hour
	closes = 23*time.Hour + 30*time.Minute
)

// ehr is a run: the plan, and what the platform has answered so far.
type ehr struct {
	*client
	plan   *plan
	monday time.Time // 00:00 UTC of the first
	seed   uint64

	visitOf  map[string]*visit // by encounter_id: those that were entered
	recalled bool              // what earlier runs entered is in visitOf too
}

// Run is the EHR of a demo group. It needs a sandbox, whose clock it moves day by day; it goes on where an earlier run with the same options ended, and of a group that is complete
// it only shows the table.
func Run(ctx context.Context, o Options) (Table, error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if err := o.Check(); err != nil {
		return Table{}, err
	}
	e := &ehr{client: newClient(o, fmt.Sprintf("%d/%d/%d", o.Seed, o.Weeks, o.Patients)), seed: o.Seed, visitOf: map[string]*visit{}}
	now, err := e.now(ctx)
	if err != nil {
		return Table{}, err
	}
	// Anything on its way from before belongs before what comes now.
	if err := e.quiet(ctx); err != nil {
		return Table{}, err
	}
	first, err := e.organization(ctx)
	if err != nil {
		return Table{}, err
	}
	e.monday = firstMonday(first.RecordedAt.AsTime())
	e.plan = newPlan(o.Seed, o.Weeks, o.Patients, e.monday)
	end := e.at((o.Weeks+settle)*daysOfWeek, opens)
	if first.Replayed && !now.Before(end) {
		fmt.Fprintln(o.Out, "This demo group is complete; nothing was sent.")
	} else if err := e.live(ctx, now, o); err != nil {
		return Table{}, err
	}
	t, err := e.table(ctx)
	if err != nil {
		return Table{}, err
	}
	if err := t.write(o.Out); err != nil {
		return t, err
	}
	return t, t.check()
}

// firstMonday on which a group that was founded at an instant can open in time.
func firstMonday(founded time.Time) time.Time {
	founded = founded.UTC()
	day := time.Date(founded.Year(), founded.Month(), founded.Day(), 0, 0, 0, 0, time.UTC)
	if founded.After(day.Add(opens)) {
		day = day.AddDate(0, 0, 1)
	}
	for day.Weekday() != time.Monday {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

func (e *ehr) at(day int, hour time.Duration) time.Time { return e.monday.AddDate(0, 0, day).Add(hour) }

func (e *ehr) date(day int) string { return iso(e.monday.AddDate(0, 0, day)) }

// live works day after day. What lies before now was done by an earlier run.
func (e *ehr) live(ctx context.Context, now time.Time, o Options) error {
	days := (e.plan.weeks + settle) * daysOfWeek
	bar := newBar(o, days)
	defer bar.Close()
	for day := 0; day <= days; day++ {
		for _, part := range []struct {
			hour time.Duration
			work func(context.Context, int) error
		}{{opens, e.morning}, {closes, e.evening}} {
			at := e.at(day, part.hour)
			if now.After(at) || !e.works(day, part.hour) {
				continue
			}
			bar.day(day, at)
			if now.Before(at) {
				if err := e.advance(ctx, at); err != nil {
					return fmt.Errorf("%s: %w", e.date(day), err)
				}
				if err := e.quiet(ctx); err != nil {
					return fmt.Errorf("%s: %w", e.date(day), err)
				}
				now = at
			}
			if err := part.work(ctx, day); err != nil {
				return fmt.Errorf("%s: %w", e.date(day), err)
			}
		}
	}
	return nil
}

// works says whether the clock stops at an hour of a day. On weekends, and after the last session, the desk is closed: the evening is enough for what comes by itself.
func (e *ehr) works(day int, hour time.Duration) bool {
	if last := (e.plan.weeks + settle) * daysOfWeek; day == last {
		return hour == opens // the end
	}
	return hour == closes || day < e.plan.weeks*daysOfWeek && day%daysOfWeek < 5
}

// morning is the desk: who is new, who wants an appointment, who calls off.
func (e *ehr) morning(ctx context.Context, day int) error {
	if day == 0 {
		if err := e.open(ctx); err != nil {
			return err
		}
	}
	if err := e.policies(ctx, day); err != nil {
		return err
	}
	if err := e.register(ctx, day); err != nil {
		return err
	}
	if err := e.verify(ctx, day); err != nil {
		return err
	}
	return e.book(ctx, day)
}

// evening is the records, and the biller after them.
func (e *ehr) evening(ctx context.Context, day int) error {
	if err := e.enter(ctx, day); err != nil {
		return err
	}
	return e.bill(ctx, day)
}

// bar shows the simulated date. Without progress it is nil and shows nothing.
type bar struct{ *progressbar.ProgressBar }

func newBar(o Options, days int) bar {
	if !o.Progress {
		return bar{}
	}
	return bar{progressbar.NewOptions(days, progressbar.OptionSetWriter(o.Out), progressbar.OptionSetWidth(40), progressbar.OptionSetElapsedTime(true),
		progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionOnCompletion(func() { fmt.Fprintln(o.Out) }))}
}

func (b bar) day(day int, at time.Time) {
	if b.ProgressBar == nil {
		return
	}
	b.Describe(at.Format("Mon 2 Jan 2006"))
	_ = b.Set(day) // it can only fail to draw
}

// Close ends the line that the bar is on.
func (b bar) Close() {
	if b.ProgressBar != nil {
		_ = b.Exit()
	}
}

// idOf is the id of what a create made.
func (e *ehr) idOf(ctx context.Context, name, path string, command func() (proto.Message, error)) (string, error) {
	r, err := e.create(ctx, name, path, command)
	if err != nil {
		return "", err
	}
	return r.Id, nil
}

var errNotThere = errors.New("not part of this group")
