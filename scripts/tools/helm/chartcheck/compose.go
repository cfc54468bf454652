package main

import (
	"context"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose loads a compose file with nothing in the environment: what it needs has a default, or it says so.
func compose(ctx context.Context, path string, text []byte) (any, error) {
	return loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir: ".", ConfigFiles: []types.ConfigFile{{Filename: path, Content: text}}, Environment: types.Mapping{},
	}, func(o *loader.Options) { o.SetProjectName("evenkeel", true) })
}
