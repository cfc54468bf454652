package exchange_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/exchange"
	"github.com/evenkeel/evenkeel/services/exchange/interchange"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func sample(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(data, []byte("~\n"), []byte("~"))
}

// The service through its API, on PostgreSQL and a broker: a remittance of a claim of ours, another system's claims, and a file that is cut.
func TestFilesThroughTheAPI(t *testing.T) {
	p := hosttest.Start(t, nil, exchange.New())
	api := pb.NewExchangeServiceClient(hosttest.Conn(t, p, "exchange"))
	created := hosttest.Publish(t, p, "claims", "claim/clm_1", &claimsv1.ClaimCreated{
		ClaimId: "clm_1", PatientId: "pat_1", Content: &claimsv1.ClaimContent{PatientControlNumber: "E0123456789ABCDEF", PayerId: "pay_1"},
	})
	remittance := sample(t, "../payersim/desk/testdata/claim.835")
	send := func(key string, data []byte) string {
		t.Helper()
		r, err := api.ImportInterchange(hosttest.As(t.Context(), p, key, created), &pb.ImportInterchangeRequest{FileName: key, Content: data})
		if err != nil {
			t.Fatal(err)
		}
		return r.Id
	}
	paid := send("k1", remittance)
	imported := send("k2", sample(t, "partner/testdata/secondary.837"))
	half := remittance[:len(remittance)/2]
	cut := interchange.ID(interchange.Hash(half))
	for _, key := range []string{"k3", "k3", "k3 again"} { // a repeated request is told the same
		_, err := api.ImportInterchange(hosttest.As(t.Context(), p, key, created), &pb.ImportInterchangeRequest{FileName: "half", Content: half})
		if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "cut") || !strings.Contains(err.Error(), cut) {
			t.Errorf("the cut file is answered with %v", err)
		}
	}
	again, err := api.ImportInterchange(hosttest.As(t.Context(), p, "k4"), &pb.ImportInterchangeRequest{FileName: "again", Content: remittance})
	if err != nil || again.Id != paid || len(again.Events) != 0 {
		t.Errorf("the same file again: %v, %v", again, err)
	}
	if _, err := api.ImportInterchange(hosttest.As(t.Context(), p, "k5"), &pb.ImportInterchangeRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("an empty file: %v", err)
	}

	get := func(id, want string) *pb.Interchange {
		t.Helper()
		var got *pb.Interchange
		hosttest.Until(t, want, func() (err error) {
			if got, err = api.GetInterchange(hosttest.As(t.Context(), p, ""), &pb.GetInterchangeRequest{InterchangeId: id}); err != nil {
				return err
			}
			said := got.Status + " " + got.Kind
			for _, r := range got.Results {
				said += " " + r.Type + ":" + r.Status
			}
			if said != want || int(got.ResultsCount) != len(got.Results) {
				return fmt.Errorf("it is %q with %d results", said, got.ResultsCount)
			}
			return nil
		})
		return got
	}
	read := get(paid, "received 835 RemittanceRead:read")
	get(imported, "received 837P ClaimImported:imported")
	if r := get(cut, "refused 835"); !strings.Contains(r.Reason, "cut") || len(r.Findings) == 0 {
		t.Errorf("the cut file: %v", r)
	}
	if _, err := api.GetInterchange(hosttest.As(t.Context(), p, ""), &pb.GetInterchangeRequest{InterchangeId: "itc_none"}); status.Code(err) != codes.NotFound {
		t.Errorf("a file that is not there: %v", err)
	}

	var listed []string
	for page := ""; ; {
		list, err := api.ListInterchanges(hosttest.As(t.Context(), p, ""), &pb.ListInterchangesRequest{PageSize: 2, PageToken: page, Direction: "in"})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list.Interchanges {
			listed = append(listed, i.InterchangeId)
		}
		if page = list.NextPageToken; page == "" {
			break
		}
	}
	if len(listed) != 3 || listed[0] != cut || listed[2] != paid {
		t.Errorf("listed %v", listed)
	}

	whole, err := api.GetContent(hosttest.As(t.Context(), p, ""), &pb.GetContentRequest{InterchangeId: paid})
	if err != nil || !bytes.Equal(whole.Data, remittance) {
		t.Errorf("the file came back as %d bytes, %v", len(whole.GetData()), err)
	}
	at := read.Results[0]
	part, err := api.GetSegments(hosttest.As(t.Context(), p, ""), &pb.GetSegmentsRequest{InterchangeId: paid, Offset: at.Offset, Length: at.Length})
	if err != nil || !strings.HasPrefix(part.Text, "BPR*") || part.Shredded {
		t.Errorf("the payment stands in %v, %v", part, err)
	}
	if _, err := api.GetSegments(hosttest.As(t.Context(), p, ""), &pb.GetSegmentsRequest{InterchangeId: paid, Offset: 1 << 40, Length: 5}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("bytes behind the end: %v", err)
	}
}
