package reporting_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// row is a line of a list: what it is, and its values as texts whose order is that of the values.
type row struct {
	id     string
	values map[string]string
}

func number(v int64) string { return fmt.Sprintf("%012d", v) }

// lists ask one page of each list.
func (b *books) lists() map[string]func(sort, pcn, token string, size int32) ([]row, string, error) {
	ctx := hosttest.As(b.Context(), b.p, "")
	return map[string]func(sort, pcn, token string, size int32) ([]row, string, error){
		"claims": func(sort, pcn, token string, size int32) (out []row, next string, err error) {
			r, err := b.api.ListClaims(ctx, &pb.ListClaimsRequest{Sort: sort, PatientControlNumber: pcn, PageToken: token, PageSize: size})
			for _, c := range r.GetClaims() {
				out = append(out, row{c.ClaimId, map[string]string{"service_date": c.ServiceDate, "amount": number(c.ChargeAmount.AmountMinor), "paid": number(c.PaidAmount.AmountMinor),
					"denied": number(c.DeniedAmount.AmountMinor), "payer": c.PayerName, "status": c.Status, "submitted_date": c.SubmittedDate, "patient_control_number": c.PatientControlNumber}})
			}
			return out, r.GetNextPageToken(), err
		},
		"aging rows": func(sort, pcn, token string, size int32) (out []row, next string, err error) {
			r, err := b.api.ListAgingRows(ctx, &pb.ListAgingRowsRequest{Sort: sort, PatientControlNumber: pcn, PageToken: token, PageSize: size})
			for _, a := range r.GetRows() {
				out = append(out, row{a.AccountId + " " + a.PayerId, map[string]string{"amount": number(a.BalanceAmount.AmountMinor), "days": number(int64(a.Days)), "service_date": a.ServiceDate,
					"payer": a.PayerName, "account": a.AccountId, "patient_control_number": a.PatientControlNumber}})
			}
			return out, r.GetNextPageToken(), err
		},
		"denial rows": func(sort, pcn, token string, size int32) (out []row, next string, err error) {
			r, err := b.api.ListDenialRows(ctx, &pb.ListDenialRowsRequest{Sort: sort, PatientControlNumber: pcn, PageToken: token, PageSize: size})
			for _, d := range r.GetRows() {
				out = append(out, row{d.ClaimId + " " + d.LineId + " " + d.Carc, map[string]string{"denied_date": d.DeniedDate, "service_date": d.ServiceDate, "amount": number(d.DeniedAmount.AmountMinor),
					"payer": d.PayerName, "carc": d.Carc, "patient_control_number": d.PatientControlNumber}})
			}
			return out, r.GetNextPageToken(), err
		},
	}
}

func TestListsComeInTheOrderAskedForAndEachRowOnce(t *testing.T) {
	b := busy(t)
	for i := range 4 {
		id := fmt.Sprint("clm_enc_", i)
		b.publish("claims", "claim/"+id, &claimsv1.ClaimSubmitted{ClaimId: id, ClaimVersion: 1, SubmittedDate: today})
		b.publish("claims", "claim/"+id, &claimsv1.LineDenied{ClaimId: id, PayerId: "pay_1", LineId: "L1", GroupCode: "CO", Carc: fmt.Sprint(197 - i%2), DeniedAmount: 100_00, RemittanceId: "rem_9", LocationId: "loc_1"})
	}
	b.caughtUp()
	for name, ask := range b.lists() {
		all, _, err := ask("", "", "", 500)
		if err != nil || len(all) < 4 {
			t.Fatal(name, all, err)
		}
		for column := range all[0].values {
			for _, sort := range []string{column, "-" + column} {
				var got []row
				token := ""
				for range 40 {
					page, next, err := ask(sort, "", token, 2)
					if err != nil {
						t.Fatalf("%s by %s: %v", name, sort, err)
					}
					got = append(got, page...)
					if token = next; token == "" {
						break
					}
				}
				ids := map[string]bool{}
				for _, r := range got {
					ids[r.id] = true
				}
				if len(got) != len(all) || len(ids) != len(all) {
					t.Fatalf("%s by %s: %d rows came, %d of them different, of %d", name, sort, len(got), len(ids), len(all))
				}
				if !slices.IsSortedFunc(got, func(x, y row) int {
					c := strings.Compare(x.values[column], y.values[column])
					if sort[0] == '-' {
						c = -c
					}
					return c
				}) {
					t.Errorf("%s by %s: %v", name, sort, got)
				}
			}
		}
		t.Run(name+" of one patient control number", func(t *testing.T) {
			found, _, err := ask("", "PCNenc_2", "", 0)
			if err != nil || len(found) != 1 || found[0].values["patient_control_number"] != "PCNenc_2" {
				t.Fatal(found, err)
			}
			if found, _, err = ask("", "PCNnone", "", 0); err != nil || len(found) != 0 {
				t.Fatal(found, err)
			}
		})
		t.Run(name+" by what is no column, or with a token of another order, are refused", func(t *testing.T) {
			if _, _, err := ask("name_of_patient", "", "", 0); err == nil || !strings.Contains(err.Error(), "can't be sorted by") {
				t.Fatal(err, refuse.Reasons(err))
			}
			_, token, err := ask("amount", "", "", 1)
			if err != nil || token == "" {
				t.Fatal(token, err)
			}
			if _, _, err := ask("-payer", "", token, 1); err == nil || !strings.Contains(err.Error(), "start again without one") {
				t.Fatal(err)
			}
		})
	}
}
