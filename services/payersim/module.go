package payersim

import (
	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/payersim/desk"
)

// New is the service as the host runs it. It has no methods: one talks to a payer by files.
func New() host.Service {
	return host.Service{
		Name:     "payersim",
		Sources:  []string{"exchange"},
		Handler:  engine.Handler{React: desk.React, Mirrors: []es.AnyMirror{desk.BytesMirror}},
		Timers:   desk.Timers,
		OnTimer:  desk.OnTimer,
		Register: func(grpc.ServiceRegistrar, *host.Runtime) {},
	}
}
