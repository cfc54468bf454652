package reporting

import (
	"context"
	"fmt"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/services/reporting/kpi"
)

// before is how many days earlier the figure is taken that it is compared with; a monthly one is compared with the month before.
const before = 30

// GetKpis is every key figure as of a day, and as it was 30 days, or a month, before.
func (s *Server) GetKpis(ctx context.Context, r *pb.GetKpisRequest) (*pb.Kpis, error) {
	q, err := s.asked(ctx, r.AsOf, nil)
	if err != nil {
		return nil, err
	}
	first, err := s.firstSent(ctx, q.tenant, q.asOf)
	if err != nil {
		return nil, err
	}
	out := &pb.Kpis{AsOf: q.asOf}
	for _, f := range kpi.Figures {
		k := &pb.Kpi{
			KpiId: f.ID, Version: f.Version, Name: f.Name, Formula: f.Formula, Unit: string(f.Unit), NumeratorName: f.Numerator, DenominatorName: f.Denominator, Target: f.Target, Window: "as of " + q.asOf,
		}
		earlier := date.Add(q.asOf, -before)
		switch {
		case f.Monthly:
			m := kpi.MonthOf(q.asOf, first)
			k.Window, k.Base, earlier = fmt.Sprintf("%s to %s", m.From, m.Thru), m.Say(), date.Add(m.From, -1)
		case f.Window > 0:
			k.Window = fmt.Sprintf("%s to %s", f.From(q.asOf), f.Thru(q.asOf))
		}
		if k.Numerator, k.Denominator, k.ValueMillionths, k.Known, err = s.figure(ctx, q, f, q.asOf, first, r); err != nil {
			return nil, err
		}
		if _, _, k.PreviousValueMillionths, k.PreviousKnown, err = s.figure(ctx, q, f, earlier, first, r); err != nil {
			return nil, err
		}
		out.Kpis = append(out.Kpis, k)
	}
	return out, nil
}

// figure is one figure as of a day; first is the day on which the first claim went out.
func (s *Server) figure(ctx context.Context, q ask, f kpi.Figure, asOf, first string, r *pb.GetKpisRequest) (num, den, value int64, known bool, err error) {
	args := []any{q.tenant, f.From(asOf), f.Thru(asOf), r.PayerId, r.LocationId, asOf}
	if f.Monthly {
		m := kpi.MonthOf(asOf, first)
		args, f.Scale = []any{q.tenant, m.From, m.Thru, r.PayerId, r.LocationId, m.BaseFrom, m.BaseThru}, m.Base
	}
	if err = s.rt.DB.QueryRow(ctx, f.SQL, args...).Scan(&num, &den); err != nil {
		return 0, 0, 0, false, fmt.Errorf("figure %s: %w", f.ID, err)
	}
	value, known = f.Value(num, den)
	return num, den, value, known, nil
}
