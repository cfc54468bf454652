package reporting_test

import (
	"strings"
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
)

// legsIn lists the legs of a number over all pages, and wants them to add up to it.
func (b *books) legsIn(in, day, payer, location string, want int64) {
	b.Helper()
	var sum, rows int64
	for r := (&pb.ListLegsRequest{AsOf: day, CountedIn: in, PayerId: payer, LocationId: location, PageSize: 50}); ; {
		a, err := b.api.ListLegs(hosttest.As(b.Context(), b.p, ""), r)
		if err != nil {
			b.Fatal(err)
		}
		for _, l := range a.Legs {
			if n := cents(l.CountedAmount); n != cents(l.Amount) && n != -cents(l.Amount) {
				b.Errorf("%s: a leg of %d counts %d", in, cents(l.Amount), n)
			}
			sum, rows = sum+cents(l.CountedAmount), rows+1
		}
		if r.PageToken = a.NextPageToken; r.PageToken != "" {
			continue
		}
		if sum != want || cents(a.TotalAmount) != want || a.TotalRows != rows {
			b.Errorf("%s of %q at %q on %s: %d rows sum to %d, said are %d of %d; the number is %d", in, payer, location, day, rows, sum, a.TotalRows, cents(a.TotalAmount), want)
		}
		return
	}
}

// everyNumberHasItsRows follows each number of the report of payers.
func (b *books) everyNumberHasItsRows(day, location string) {
	b.Helper()
	ctx := hosttest.As(b.Context(), b.p, "")
	p, _ := b.payers(&pb.GetPayersRequest{AsOf: day, LocationId: location})
	for _, row := range append(p.Payers, p.Total) {
		for in, m := range map[string]*typev1.Money{
			"charged": row.ChargedAmount, "allowed": row.AllowedAmount, "taken_over": row.TakenOverAmount, "passed_on": row.PassedOnAmount, "paid": row.PaidAmount, "contractual": row.ContractualAmount, "patient": row.PatientAmount,
		} {
			b.legsIn("payers."+in, day, row.PayerId, location, cents(m))
		}
		claims, err := b.api.ListClaims(ctx, &pb.ListClaimsRequest{AsOf: day, PayerId: row.PayerId, LocationId: location, CountedIn: "payers.claims"})
		if err != nil || claims.TotalRows != row.Claims {
			b.Errorf("claims of %s on %s: %d, %v; the number is %d", row.Name, day, claims.GetTotalRows(), err, row.Claims)
		}
		denied, err := b.api.ListDenialRows(ctx, &pb.ListDenialRowsRequest{AsOf: day, PayerId: row.PayerId, LocationId: location, CountedIn: "payers.denied"})
		if err != nil || cents(denied.TotalAmount) != cents(row.DeniedAmount) {
			b.Errorf("denied by %s on %s: %d, %v; the number is %d", row.Name, day, cents(denied.GetTotalAmount()), err, cents(row.DeniedAmount))
		}
		payer := row.PayerId
		switch payer {
		case "":
			payer = "insurance"
		case "patient": // owes nothing as a payer
			continue
		}
		for bucket, want := range map[string]int64{"debit": cents(row.OpenAmount), "credit": -cents(row.CreditAmount), "91+": cents(row.Aging[3].Amount) + cents(row.Aging[4].Amount)} {
			open, err := b.api.ListAgingRows(ctx, &pb.ListAgingRowsRequest{AsOf: day, PayerId: payer, LocationId: location, Bucket: bucket})
			if err != nil || cents(open.TotalAmount) != want {
				b.Errorf("%s of %s on %s: %d, %v; the number is %d", bucket, row.Name, day, cents(open.GetTotalAmount()), err, want)
			}
		}
	}
	b.legsIn("payers.patient_paid", day, "", location, cents(p.PatientPaidAmount))
	b.legsIn("payers.unapplied", day, "", "", cents(p.UnappliedAmount))
	owed, err := b.api.ListAgingRows(ctx, &pb.ListAgingRowsRequest{AsOf: day, PayerId: "patient", LocationId: location})
	if err != nil || cents(owed.TotalAmount) != cents(p.PatientOpenAmount) {
		b.Errorf("patients owe on %s: %d, %v; the number is %d", day, cents(owed.GetTotalAmount()), err, cents(p.PatientOpenAmount))
	}
}

// bothNumbersHaveTheirRows follows the numbers of each key figure, and counts how many of them have something to follow.
func (b *books) bothNumbersHaveTheirRows(day string) (followed int) {
	b.Helper()
	ctx := hosttest.As(b.Context(), b.p, "")
	all, err := b.api.GetKpis(ctx, &pb.GetKpisRequest{AsOf: day})
	if err != nil {
		b.Fatal(err)
	}
	for _, k := range all.Kpis {
		parts := map[string]int64{"numerator": k.Numerator, "denominator": k.Denominator}
		switch k.KpiId {
		case "clean_claim_rate", "first_pass_acceptance":
			parts["remainder"] = k.Denominator - k.Numerator
			fallthrough
		case "initial_denial_rate":
			for part, want := range parts {
				a, err := b.api.ListClaims(ctx, &pb.ListClaimsRequest{AsOf: day, CountedIn: k.KpiId + "." + part, PageSize: 500})
				if err != nil || a.TotalRows != want || int64(len(a.Claims)) != want {
					b.Errorf("%s of %s on %s: %d rows, %v; the number is %d", part, k.KpiId, day, a.GetTotalRows(), err, want)
				}
			}
		case "net_collection_rate":
			b.legsIn("net_collection_rate.numerator", day, "", "", k.Numerator)
			b.legsIn("net_collection_rate.denominator", day, "", "", k.Denominator)
		case "days_in_ar":
			b.legsIn("days_in_ar.denominator", day, "", "", k.Denominator)
			parts = map[string]int64{"": k.Numerator}
			fallthrough
		case "ar_over_90", "ar_total":
			buckets := map[string]int64{"": k.Numerator}
			if k.KpiId == "ar_over_90" {
				buckets = map[string]int64{"91+": k.Numerator, "debit": k.Denominator}
			}
			for bucket, want := range buckets {
				a, err := b.api.ListAgingRows(ctx, &pb.ListAgingRowsRequest{AsOf: day, Bucket: bucket})
				if err != nil || cents(a.TotalAmount) != want {
					b.Errorf("%q of %s on %s: %d, %v; the number is %d", bucket, k.KpiId, day, cents(a.GetTotalAmount()), err, want)
				}
			}
		}
		for _, n := range parts {
			if n != 0 {
				followed++
			}
		}
	}
	return followed
}

// A rate of denials has its lines, in all and by each of its groups, whatever the days that are asked for.
func (b *books) everyDenialHasItsLines(day, from, thru string) {
	b.Helper()
	ctx := hosttest.As(b.Context(), b.p, "")
	for _, by := range []pb.GroupBy{pb.GroupBy_GROUP_BY_WEEK, pb.GroupBy_GROUP_BY_PAYER, pb.GroupBy_GROUP_BY_CARC} {
		d, err := b.api.GetDenials(ctx, &pb.GetDenialsRequest{AsOf: day, FromDate: from, ThruDate: thru, GroupBy: by})
		if err != nil {
			b.Fatal(err)
		}
		for i, g := range append(d.Groups, d.Total) {
			ask := &pb.ListDenialRowsRequest{AsOf: day, FromDate: d.FromDate, ThruDate: d.ThruDate, CountedIn: "denials"}
			switch {
			case i == len(d.Groups):
				ask.FromDate, ask.ThruDate = from, thru // the days that are not said are the same
			case by == pb.GroupBy_GROUP_BY_PAYER:
				ask.PayerId = g.GroupId
			case by == pb.GroupBy_GROUP_BY_CARC:
				ask.Carc = g.GroupId
			default:
				ask.FromDate, ask.ThruDate = max(d.FromDate, g.GroupId), min(d.ThruDate, date.Add(g.GroupId, 6))
			}
			a, err := b.api.ListDenialRows(ctx, ask)
			if err != nil || cents(a.TotalAmount) != cents(g.DeniedAmount) || a.TotalClaims != g.ClaimsDenied {
				b.Errorf("%s %q on %s: %d of %d claims, %v; the numbers are %d of %d claims", by, g.GroupId, day, cents(a.GetTotalAmount()), a.GetTotalClaims(), err, cents(g.DeniedAmount), g.ClaimsDenied)
			}
		}
	}
}

func TestEveryNumberOfThePayersHasItsRows(t *testing.T) {
	b := practice(t)
	b.caughtUp()
	for _, day := range []string{today, date.Add(today, -40), date.Add(today, -100)} {
		for _, location := range []string{"", "loc_1", "loc_2"} {
			b.everyNumberHasItsRows(day, location)
		}
		b.bothNumbersHaveTheirRows(day)
	}
	if a, err := b.api.ListLegs(hosttest.As(t.Context(), b.p, ""), &pb.ListLegsRequest{CountedIn: "payers.owed"}); err == nil || !strings.Contains(err.Error(), "counted_in") {
		t.Errorf("a number that there is not: %v, %v", a, err)
	}
}
