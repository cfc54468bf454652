package demo

import (
	"context"
	"errors"
)

// Table is where the money is, by payer.
type Table struct{}

// Run is the EHR of a demo group.
func Run(ctx context.Context, o Options) (Table, error) { return Table{}, errors.New("demo: not there yet") }

// Import brings files in.
func Import(ctx context.Context, o Options, files ...string) error { return errors.New("import: not there yet") }
