package reporting

import (
	"context"
	"fmt"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/services/reporting/kpi"
)

// before is how many days earlier the figure is taken that it is compared with.
const before = 30

// GetKpis is every key figure as of a day, and as it was 30 days before.
func (s *Server) GetKpis(ctx context.Context, r *pb.GetKpisRequest) (*pb.Kpis, error) {
	q, err := s.asked(ctx, r.AsOf, nil)
	if err != nil {
		return nil, err
	}
	out := &pb.Kpis{AsOf: q.asOf}
	for _, f := range kpi.Figures {
		num, den, err := s.figure(ctx, q, f, q.asOf, r)
		if err != nil {
			return nil, err
		}
		k := &pb.Kpi{
			KpiId: f.ID, Version: f.Version, Name: f.Name, Formula: f.Formula, Unit: string(f.Unit), NumeratorName: f.Numerator, Numerator: num, DenominatorName: f.Denominator, Denominator: den,
			Target: f.Target, Window: "as of " + q.asOf,
		}
		if f.Window > 0 {
			k.Window = fmt.Sprintf("%s to %s", f.From(q.asOf), f.Thru(q.asOf))
		}
		k.ValueMillionths, k.Known = f.Value(num, den)
		num, den, err = s.figure(ctx, q, f, date.Add(q.asOf, -before), r)
		if err != nil {
			return nil, err
		}
		k.PreviousValueMillionths, k.PreviousKnown = f.Value(num, den)
		out.Kpis = append(out.Kpis, k)
	}
	return out, nil
}

func (s *Server) figure(ctx context.Context, q ask, f kpi.Figure, asOf string, r *pb.GetKpisRequest) (num, den int64, err error) {
	if err = s.rt.DB.QueryRow(ctx, f.SQL, q.tenant, f.From(asOf), f.Thru(asOf), r.PayerId, r.LocationId, asOf).Scan(&num, &den); err != nil {
		return 0, 0, fmt.Errorf("figure %s: %w", f.ID, err)
	}
	return num, den, nil
}
