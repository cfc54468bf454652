package demo

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// workers is how many requests are on their way at once.
const workers = 24

// each does something for all items, some at once. The first error ends it.
func each[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, item := range items {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(ctx, item)
		})
	}
	return g.Wait()
}
