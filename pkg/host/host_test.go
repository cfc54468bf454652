package host_test

import (
	"fmt"
	"strings"
	"testing"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// One fact may be large: a remittance of many thousand claims is one event. It must pass the broker, and what comes after it must, too.
func TestALargeEventArrives(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		seen := es.Stream[int]{Kind: "seen", Evolve: func(n int, _ es.Event) int { return n + 1 }}
		reader := host.Service{Name: "reader", Sources: []string{"exchange"}, Handler: engine.Handler{React: func(r es.Recorded, _ es.Look) ([]es.Command, error) {
			return []es.Command{es.Do(seen, r.StreamID, func(int, *platformv1.StatusRequest) ([]es.Event, error) {
				e, ok := r.Event.(*exchangev1.RemittanceRead)
				if !ok {
					return nil, nil
				}
				return []es.Event{&platformv1.HistoryRequest{Stream: fmt.Sprint(len(e.Claims))}}, nil
			}, &platformv1.StatusRequest{})}, nil
		}}}
		p := hosttest.StartOn(t, addr, nil, reader)
		large := &exchangev1.RemittanceRead{}
		for i := range 20_000 {
			large.Claims = append(large.Claims, &exchangev1.RemittanceClaim{Ordinal: int32(i), PatientControlNumber: strings.Repeat("E", 300)})
		}
		hosttest.Publish(t, p, "exchange", "remittance/large", large)
		hosttest.Publish(t, p, "exchange", "remittance/small", &exchangev1.RemittanceRead{})
		hosttest.Until(t, "both arrive", func() error {
			head, err := p.Runtime("reader").Engine.Log.Head(t.Context())
			if err == nil && head.Position != 2 {
				err = fmt.Errorf("%d of 2 arrived", head.Position)
			}
			return err
		})
	})
}
