package collections_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/collections"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func noon() time.Time { return time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC) }

// The service through its API, on PostgreSQL and a broker: items open, are assigned and resolved, by hand and by themselves.
func TestWorkItems(t *testing.T) {
	p := hosttest.Start(t, noon, collections.New())
	api := pb.NewCollectionsServiceClient(hosttest.Conn(t, p, "collections"))
	hosttest.Publish(t, p, "claims", "claim/clm_1", &claimsv1.ClaimHeld{ClaimId: "clm_1", PatientId: "pat_1", ChargeAmount: 15000, Reasons: []*problemv1.Reason{{RuleId: "claims.x", Message: "m"}}})
	hosttest.Publish(t, p, "claims", "claim/clm_2", &claimsv1.LineDenied{ClaimId: "clm_2", LineId: "L1", GroupCode: "CO", Carc: "197", DeniedAmount: 9000, AppealDueDate: "2026-03-22"})
	list := func(r *pb.ListWorkItemsRequest, want int) []*pb.WorkItem {
		t.Helper()
		var items []*pb.WorkItem
		hosttest.Until(t, fmt.Sprint(want, " items"), func() error {
			out, err := api.ListWorkItems(hosttest.As(t.Context(), p, ""), r)
			if err != nil {
				return err
			}
			if items = out.WorkItems; len(items) != want {
				return fmt.Errorf("there are %v", items)
			}
			return nil
		})
		return items
	}
	list(&pb.ListWorkItemsRequest{State: pb.WorkItemState_WORK_ITEM_STATE_OPEN}, 2)
	denial := list(&pb.ListWorkItemsRequest{Kind: "denial", Owner: "denials"}, 1)[0]
	if denial.DueDate != "2026-03-22" || denial.AtRisk.AmountMinor != 9000 || denial.Title != "Line denied: CO-197" {
		t.Fatal(denial)
	}
	if _, err := api.AssignWorkItem(hosttest.As(t.Context(), p, "k1"), &pb.AssignWorkItemRequest{WorkItemId: denial.WorkItemId, Assignee: "ana"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ResolveWorkItem(hosttest.As(t.Context(), p, "k2"), &pb.ResolveWorkItemRequest{WorkItemId: denial.WorkItemId, Outcome: "accepted"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ResolveWorkItem(hosttest.As(t.Context(), p, "k3"), &pb.ResolveWorkItemRequest{WorkItemId: denial.WorkItemId, Outcome: "accepted"}); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("resolved twice: %v", err)
	}
	got, err := api.GetWorkItem(hosttest.As(t.Context(), p, ""), &pb.GetWorkItemRequest{WorkItemId: denial.WorkItemId})
	if err != nil || got.Assignee != "ana" || got.Outcome != "accepted" || got.Automatic || got.State != pb.WorkItemState_WORK_ITEM_STATE_RESOLVED {
		t.Fatalf("%v, %v", got, err)
	}
	// Corrected and held again: the same item, with what is at risk now.
	hosttest.Publish(t, p, "claims", "claim/clm_1", &claimsv1.ClaimHeld{ClaimId: "clm_1", PatientId: "pat_1", ChargeAmount: 42000, Reasons: []*problemv1.Reason{{RuleId: "claims.y", Message: "n"}}})
	hosttest.Until(t, "the item follows its claim", func() error {
		if held := list(&pb.ListWorkItemsRequest{ClaimId: "clm_1"}, 1)[0]; held.AtRisk.AmountMinor != 42000 || held.Detail != "n (claims.y)" {
			return fmt.Errorf("it says %v", held)
		}
		return nil
	})
	hosttest.Publish(t, p, "claims", "claim/clm_1", &claimsv1.ClaimReleased{ClaimId: "clm_1"})
	list(&pb.ListWorkItemsRequest{State: pb.WorkItemState_WORK_ITEM_STATE_OPEN}, 0)
	if held := list(&pb.ListWorkItemsRequest{ClaimId: "clm_1"}, 1)[0]; !held.Automatic {
		t.Fatal(held)
	}
}

// An item is opened, told anew, resolved and opened again, a day each: a list as of a day has it as it was.
func TestWorkItemsAsOf(t *testing.T) {
	var day atomic.Pointer[string]
	on := func(d string) { day.Store(&d) }
	on("2026-03-20")
	p := hosttest.Start(t, func() time.Time { return date.Time(*day.Load()).Add(12 * time.Hour) }, collections.New())
	api := pb.NewCollectionsServiceClient(hosttest.Conn(t, p, "collections"))
	held := func(amount int64) {
		hosttest.Publish(t, p, "claims", "claim/clm_1", &claimsv1.ClaimHeld{ClaimId: "clm_1", PatientId: "pat_1", ChargeAmount: amount, Reasons: []*problemv1.Reason{{RuleId: "claims.x", Message: "m"}}})
	}
	says := func(asOf string, state pb.WorkItemState) string {
		t.Helper()
		out, err := api.ListWorkItems(hosttest.As(t.Context(), p, ""), &pb.ListWorkItemsRequest{AsOf: asOf, State: state})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.WorkItems) == 0 {
			return "nothing"
		}
		w := out.WorkItems[0]
		return fmt.Sprint(len(out.WorkItems), " ", w.AtRisk.AmountMinor, " ", w.State, " since ", w.OpenedDate)
	}
	const open, any = pb.WorkItemState_WORK_ITEM_STATE_OPEN, pb.WorkItemState_WORK_ITEM_STATE_UNSPECIFIED
	await := func(want string) {
		t.Helper()
		hosttest.Until(t, want, func() error {
			if got := says("", any); got != want {
				return errors.New(got)
			}
			return nil
		})
	}
	held(150_00)
	await("1 15000 WORK_ITEM_STATE_OPEN since 2026-03-20")
	on("2026-03-22")
	held(420_00)
	await("1 42000 WORK_ITEM_STATE_OPEN since 2026-03-20")
	on("2026-03-24")
	hosttest.Publish(t, p, "claims", "claim/clm_1", &claimsv1.ClaimReleased{ClaimId: "clm_1"})
	await("1 42000 WORK_ITEM_STATE_RESOLVED since 2026-03-20")
	on("2026-03-26")
	held(500_00)
	await("1 50000 WORK_ITEM_STATE_OPEN since 2026-03-26")
	for day, want := range map[string]string{
		"2026-03-19": "nothing", "2026-03-20": "1 15000 WORK_ITEM_STATE_OPEN since 2026-03-20", "2026-03-21": "1 15000 WORK_ITEM_STATE_OPEN since 2026-03-20",
		"2026-03-22": "1 42000 WORK_ITEM_STATE_OPEN since 2026-03-20", "2026-03-24": "nothing", "2026-03-25": "nothing", "2026-03-26": "1 50000 WORK_ITEM_STATE_OPEN since 2026-03-26", "": "1 50000 WORK_ITEM_STATE_OPEN since 2026-03-26",
	} {
		if got := says(day, open); got != want {
			t.Errorf("open as of %q: %s, want %s", day, got, want)
		}
	}
	if got := says("2026-03-25", any); got != "1 42000 WORK_ITEM_STATE_RESOLVED since 2026-03-20" {
		t.Error("while it was resolved: " + got)
	}
	if _, err := api.ListWorkItems(hosttest.As(t.Context(), p, ""), &pb.ListWorkItemsRequest{AsOf: "2026-02-30"}); err == nil || !strings.Contains(err.Error(), "is not a day") {
		t.Error(err)
	}
	_, err := api.ListWorkItems(hosttest.As(t.Context(), p, ""), &pb.ListWorkItemsRequest{AsOf: "2026-02-30", PageSize: 501, Sort: "colour"})
	for _, want := range []string{"collections.day_exists", "request.page_size", "request.sort"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not told beside the others: %v", want, err)
		}
	}
}

// A work item is found and named by the number of its claim, whenever the claim becomes known, and the list comes in the order asked for, each item once.
func TestWorkItemsBySortAndNumber(t *testing.T) {
	p := hosttest.Start(t, noon, collections.New())
	api := pb.NewCollectionsServiceClient(hosttest.Conn(t, p, "collections"))
	ctx := hosttest.As(t.Context(), p, "")
	for i, amount := range []int64{200, 900, 500, 900} {
		id := fmt.Sprint("clm_", i)
		hosttest.Publish(t, p, "claims", "claim/"+id, &claimsv1.ClaimHeld{ClaimId: id, ChargeAmount: amount, TimelyFilingDueDate: fmt.Sprint("2026-03-", 22-i)})
		if i < 3 {
			hosttest.Publish(t, p, "claims", "claim/"+id, &claimsv1.ClaimCreated{ClaimId: id, Content: &claimsv1.ClaimContent{PatientControlNumber: fmt.Sprint("E", 9-i)}})
		}
	}
	order := func(r *pb.ListWorkItemsRequest) (out []string) {
		t.Helper()
		for r.PageSize = 3; ; {
			a, err := api.ListWorkItems(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range a.WorkItems {
				out = append(out, w.ClaimId+w.PatientControlNumber)
			}
			if r.PageToken = a.NextPageToken; r.PageToken == "" {
				return out
			}
		}
	}
	hosttest.Until(t, "four items and three numbers", func() error {
		if got := fmt.Sprint(order(&pb.ListWorkItemsRequest{Sort: "-patient_control_number"})); got != "[clm_0E9 clm_1E8 clm_2E7 clm_3]" {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
	for sort, want := range map[string]string{"at_risk": "clm_0E9 clm_2E7 .* .*", "-at_risk": ".* .* clm_2E7 clm_0E9", "": "clm_3 clm_2E7 clm_1E8 clm_0E9", "-due_date": "clm_0E9 clm_1E8 clm_2E7 clm_3"} {
		if got := strings.Join(order(&pb.ListWorkItemsRequest{Sort: sort}), " "); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("by %q: %s, want %s", sort, got, want)
		}
	}
	if got := fmt.Sprint(order(&pb.ListWorkItemsRequest{PatientControlNumber: "E8"})); got != "[clm_1E8]" {
		t.Error(got)
	}
	if _, err := api.ListWorkItems(ctx, &pb.ListWorkItemsRequest{Sort: "detail"}); err == nil || !strings.Contains(err.Error(), "can't be sorted by") {
		t.Error(err)
	}
}

// What posting leaves to a patient becomes a balance and a statement, with the name from the vault.
func TestStatements(t *testing.T) {
	p := hosttest.Start(t, noon, collections.New())
	api := pb.NewCollectionsServiceClient(hosttest.Conn(t, p, "collections"))
	hosttest.Publish(t, p, "registry", "organization/org_1", &registryv1.OrganizationRegistered{OrganizationId: "org_1", Name: "Quiet Harbor"})
	hosttest.Publish(t, p, "registry", "location/loc_1", &registryv1.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1"})
	named := hosttest.Publish(t, p, "intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{First: "Ann", Last: "Doe"}})
	token := hosttest.Publish(t, p, "posting", "account/enc_1", &postingv1.ChargePosted{
		AccountId: "enc_1", PatientId: "pat_1", LocationId: "loc_1", ServiceDate: "2026-03-02", Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, Amount: 15000}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, Amount: -15000},
		},
	})
	hosttest.Until(t, "everything is known", func() error {
		b, err := api.GetPatientBalance(hosttest.As(t.Context(), p, "", token), &pb.GetPatientBalanceRequest{PatientId: "pat_1"})
		if err != nil || b.Balance.AmountMinor != 15000 || len(b.Accounts) != 1 || b.Accounts[0].Explanation != "Session of 2 March 2026: charged $150.00. Open: $150.00 with you." {
			return fmt.Errorf("%v, %v", b, err)
		}
		return nil
	})
	hosttest.Publish(t, p, "posting", "patient_payment/ppm_1", &postingv1.PatientPaymentReceived{PatientPaymentId: "ppm_1", PatientId: "pat_1", Amount: 50000})
	paid := hosttest.Publish(t, p, "posting", "account/enc_2", &postingv1.PatientPaymentAllocated{AccountId: "enc_2", PatientPaymentId: "ppm_1", PatientId: "pat_1", Amount: 2000})
	hosttest.Until(t, "what is held of a payment", func() error {
		b, err := api.GetPatientBalance(hosttest.As(t.Context(), p, "", paid), &pb.GetPatientBalanceRequest{PatientId: "pat_1"})
		if err != nil || b.Unapplied.GetAmountMinor() != 48000 {
			return fmt.Errorf("%v, %v", b, err)
		}
		return nil
	})
	if _, err := api.IssueStatement(hosttest.As(t.Context(), p, "k0", named, paid), &pb.IssueStatementRequest{PatientId: "pat_1"}); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("a statement of what was paid: %v", err)
	}
	back := hosttest.Publish(t, p, "posting", "patient_ledger/pat_1", &postingv1.PatientPaymentRefunded{RefundId: "rfd_1", PatientPaymentId: "ppm_1", PatientId: "pat_1", Amount: 47000})
	hosttest.Until(t, "what is held after a refund", func() error {
		b, err := api.GetPatientBalance(hosttest.As(t.Context(), p, "", back), &pb.GetPatientBalanceRequest{PatientId: "pat_1"})
		if err != nil || b.Unapplied.GetAmountMinor() != 1000 {
			return fmt.Errorf("%v, %v", b, err)
		}
		return nil
	})
	var id string
	hosttest.Until(t, "a statement", func() error {
		r, err := api.IssueStatement(hosttest.As(t.Context(), p, "k1", named, back), &pb.IssueStatementRequest{PatientId: "pat_1"})
		id = r.GetId()
		return err
	})
	list, err := api.ListStatements(hosttest.As(t.Context(), p, ""), &pb.ListStatementsRequest{PatientId: "pat_1"})
	if err != nil || len(list.Statements) != 1 || list.Statements[0].StatementId != id || list.Statements[0].DueDate != "2026-04-10" || list.Statements[0].ToPay.GetAmountMinor() != 14000 {
		t.Fatalf("%v, %v", list, err)
	}
	s, err := api.GetStatement(hosttest.As(t.Context(), p, ""), &pb.GetStatementRequest{StatementId: list.Statements[0].StatementId})
	if err != nil || s.PatientName.GetLast() != "Doe" || s.Balance.AmountMinor != 15000 || s.Held.AmountMinor != 1000 || s.ToPay.AmountMinor != 14000 || s.Entries[0].Explanation != "Session of 2 March 2026: charged $150.00. Open: $150.00 with you." {
		t.Fatalf("%v, %v", s, err)
	}
	page, err := api.GetStatementHtml(hosttest.As(t.Context(), p, ""), &pb.GetStatementHtmlRequest{StatementId: s.StatementId})
	if err != nil || !bytes.Contains(page.Data, []byte("Ann Doe")) || !bytes.Contains(page.Data, []byte("Please pay <strong>$140.00</strong>")) {
		t.Fatalf("%v, %v", page, err)
	}
	letter, err := api.GetStatementPdf(hosttest.As(t.Context(), p, ""), &pb.GetStatementPdfRequest{StatementId: s.StatementId})
	if err != nil || !bytes.HasPrefix(letter.Data, []byte("%PDF-")) {
		t.Fatal(err)
	}
	if _, err := api.IssueStatement(hosttest.As(t.Context(), p, "k2"), &pb.IssueStatementRequest{PatientId: "pat_1"}); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("two statements of a day: %v", err)
	}
}

// A week after the balance appears the clock writes the first statement; a month later, still unpaid, the second.
func TestTheClockWritesStatements(t *testing.T) {
	var days atomic.Int64
	p := hosttest.Start(t, func() time.Time { return noon().AddDate(0, 0, int(days.Load())) }, collections.New())
	api := pb.NewCollectionsServiceClient(hosttest.Conn(t, p, "collections"))
	hosttest.Publish(t, p, "intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{First: "Ann", Last: "Doe"}})
	hosttest.Publish(t, p, "posting", "account/enc_1", &postingv1.ResponsibilityTransferred{
		AccountId: "enc_1", PatientId: "pat_1", ServiceDate: "2026-03-02", GroupCode: "PR", Carc: "3", Amount: 2000, Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, Amount: 2000}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, Amount: -2000, PayerId: "pay_1"},
		},
	})
	written := func(want ...string) {
		t.Helper()
		hosttest.Until(t, fmt.Sprint("statements of ", want), func() error {
			list, err := api.ListStatements(hosttest.As(t.Context(), p, ""), &pb.ListStatementsRequest{PatientId: "pat_1"})
			if err != nil {
				return err
			}
			var got []string
			for _, s := range list.Statements {
				got = append(got, s.StatementDate)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("there are %v", got)
			}
			return nil
		})
	}
	hosttest.Until(t, "the balance", func() error {
		b, err := api.GetPatientBalance(hosttest.As(t.Context(), p, ""), &pb.GetPatientBalanceRequest{PatientId: "pat_1"})
		if err != nil || b.Balance.AmountMinor != 2000 {
			return fmt.Errorf("%v, %v", b, err)
		}
		return nil
	})
	written()
	days.Store(8)
	written("2026-03-27")
	days.Store(40)
	written("2026-04-26", "2026-03-27")
}
