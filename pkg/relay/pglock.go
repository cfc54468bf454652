package relay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	lockTimeout = 5 * time.Second // for each question to the database
	watchEvery  = time.Second
)

// AdvisoryLock is the lock of a service's relay in its database: an advisory lock on a connection of its own, so that it goes when the process or the connection does. Whoever
// waits asks each second; a blocking wait would hold a snapshot and so stop vacuum.
func AdvisoryLock(url, service string) Lock {
	return func(ctx context.Context, lead func(context.Context)) (err error) {
		failed := func(err error) error { return fmt.Errorf("lock the relay of %s: %w", service, err) }
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return failed(err)
		}
		defer func() {
			// Also when ctx has ended: the server should not find out by a time-out.
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockTimeout)
			defer cancel()
			if closeErr := conn.Close(closing); err == nil && closeErr != nil {
				err = failed(closeErr)
			}
		}()
		for {
			var held bool
			if err := ask(ctx, func(ctx context.Context) error {
				return conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended('evenkeel relay ' || $1, 0))", service).Scan(&held)
			}); err != nil {
				return failed(err)
			}
			if held {
				return watch(ctx, conn, lead, failed)
			}
			pause(ctx, watchEvery)
		}
	}
}

// watch runs lead for as long as the connection, and with it the lock, lives.
func watch(ctx context.Context, conn *pgx.Conn, lead func(context.Context), failed func(error) error) error {
	leading, stop := context.WithCancel(ctx)
	defer stop()
	var led sync.WaitGroup
	led.Go(func() {
		defer stop()
		lead(leading)
	})
	var lost error
	for leading.Err() == nil {
		pause(leading, watchEvery)
		if leading.Err() != nil {
			break
		}
		if err := ask(leading, conn.Ping); err != nil && leading.Err() == nil {
			lost = failed(fmt.Errorf("it is lost: %w", err))
			stop()
		}
	}
	led.Wait()
	return lost
}

func ask(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	return question(ctx)
}
