package host

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/evenkeel/evenkeel/pkg/relay"
)

// lockCheck is how often the holder of a lock makes sure that it still has it.
const lockCheck = time.Second

// lock lets one process relay a service's log at a time: an advisory lock on a connection of its own. Two at once, after a lost connection, would do no harm.
func lock(pool *pgxpool.Pool, service string) relay.Lock {
	return func(ctx context.Context, lead func(context.Context)) error {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return fmt.Errorf("relay lock of %s: %w", service, err)
		}
		defer conn.Release()
		name := "evenkeel relay " + service
		var mine bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, name).Scan(&mine); err != nil {
			return fmt.Errorf("relay lock of %s: %w", service, err)
		}
		if !mine {
			return nil
		}
		// The connection goes with the lock: closing it frees the lock whatever state it is in.
		defer func() { _ = conn.Conn().Close(context.WithoutCancel(ctx)) }()
		leading, stop := context.WithCancel(ctx)
		defer stop()
		done := make(chan struct{})
		go func() {
			defer close(done)
			lead(leading)
		}()
		tick := time.NewTicker(lockCheck)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return nil
			case <-tick.C:
				if err := conn.Ping(leading); err != nil && ctx.Err() == nil {
					stop()
					<-done
					return fmt.Errorf("relay lock of %s is lost: %w", service, err)
				}
			}
		}
	}
}
