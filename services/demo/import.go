package demo

import (
	"context"
	"errors"
)

// Import brings files in.
func Import(ctx context.Context, o Options, files ...string) error {
	return errors.New("import: not there yet")
}
