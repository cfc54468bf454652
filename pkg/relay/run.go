package relay

import (
	"context"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// Lock lets one relay of a log run at a time: it waits for the lock, calls lead with a context that ends when the lock is lost, and returns after lead.
type Lock func(ctx context.Context, lead func(context.Context)) error

const (
	shortestPause, longestPause = 50 * time.Millisecond, 2 * time.Second // after an error
	lockAgain                   = time.Second
)

// Run publishes until ctx ends: as soon as something is appended, partitions in parallel, reading ahead. Errors are logged and tried again.
func (r *Relay) Run(ctx context.Context) {
	lock := r.o.Lock
	if lock == nil {
		lock = func(ctx context.Context, lead func(context.Context)) error {
			lead(ctx)
			return nil
		}
	}
	for ctx.Err() == nil {
		if err := lock(ctx, r.lead); err != nil && ctx.Err() == nil {
			r.o.Logger.Error("the relay's lock is not to be had", "error", err)
		}
		pause(ctx, lockAgain)
	}
}

// lead is Run while no other relay of the log does.
func (r *Relay) lead(ctx context.Context) {
	r.reset()
	r.forget()
	ahead := &ahead{log: r.o.Log, batch: r.o.Batch}
	defer ahead.wait()
	r.read, r.each = ahead.read, inParallel

	end, err := r.observe()
	if err != nil {
		r.o.Logger.Error("the relay runs without its metrics", "error", err)
	} else {
		defer func() {
			if err := end(); err != nil {
				r.o.Logger.Error("the relay's metrics do not end", "error", err)
			}
		}()
	}
	r.o.Logger.Info("relay started")
	defer func() { r.o.Logger.Info("relay stopped", "position", r.Position()) }()

	failed := time.Duration(0)
	for ctx.Err() == nil {
		appended := r.o.Log.Appended() // before the step, which may miss what is appended during it
		published, err := r.Step(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			failed = min(max(2*failed, shortestPause), longestPause)
			r.o.Logger.Error("publishing failed and is tried again", "error", err, "in", failed)
			pause(ctx, failed)
		case published == 0:
			failed = 0
			r.await(ctx, appended)
		default:
			failed = 0
		}
	}
}

// forget drops replays that were asked for while another relay was leading.
func (r *Relay) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replays = nil
}

func (r *Relay) await(ctx context.Context, appended <-chan struct{}) {
	timer := time.NewTimer(r.o.Poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-appended:
	case <-r.asked:
	case <-timer.C:
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func inParallel(n int, do func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

// ahead reads a log, and after a full batch already the next one while the first is being published.
type ahead struct {
	log   eventlog.Log
	batch int
	after int64 // of the read that is running
	next  chan found
}

type found struct {
	events []eventlog.Record
	err    error
}

func (a *ahead) read(ctx context.Context, after int64) ([]eventlog.Record, error) {
	var got found
	if a.next != nil && a.after == after {
		got = <-a.next
		a.next = nil
	} else {
		a.wait()
		got.events, got.err = a.log.Read(ctx, after, a.batch)
	}
	if got.err == nil && len(got.events) == a.batch {
		a.after, a.next = got.events[a.batch-1].Position, make(chan found, 1)
		go func(after int64, to chan<- found) {
			events, err := a.log.Read(ctx, after, a.batch)
			to <- found{events, err}
		}(a.after, a.next)
	}
	return got.events, got.err
}

// wait for a read that nobody wants any more.
func (a *ahead) wait() {
	if a.next != nil {
		<-a.next
		a.next = nil
	}
}
