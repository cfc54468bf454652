package statement

import (
	"bytes"
	"strings"
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

func example(lines int) *pb.StatementIssued {
	s := &pb.StatementIssued{
		StatementId: "stm_1", PatientId: "pat_1", StatementDate: "2026-03-20", DueDate: "2026-04-10",
		PatientName: &typev1.PersonName{First: "Zoë", Last: "<Doe> & Sons"}, PatientAddress: &typev1.Address{Line1: "1 Main St", City: "Springfield", State: "IL", PostalCode: "627011234"},
		OrganizationName: "Quiet Harbor", OrganizationPhone: "2175550100",
	}
	for range lines {
		s.BalanceAmount += 2000
		s.Lines = append(s.Lines, &pb.StatementLine{AccountId: "enc_1", BalanceAmount: 2000, Explanation: "Session of 2 March 2026: charged $150.00, plan paid $90.00, plan discount $40.00, your copay $20.00. Open: $20.00 with you."})
	}
	return s
}

func TestTheSameStatementIsTheSameBytes(t *testing.T) {
	for _, lines := range []int{1, 120} {
		for name, write := range map[string]func(*pb.StatementIssued) ([]byte, error){"html": HTML, "pdf": PDF} {
			first, err := write(example(lines))
			if err != nil {
				t.Fatal(err)
			}
			again, err := write(example(lines))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first, again) {
				t.Errorf("%s with %d lines differs", name, lines)
			}
		}
	}
}

func TestWhatAStatementShows(t *testing.T) {
	html, err := HTML(example(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Zoë &lt;Doe&gt; &amp; Sons", "Springfield, IL 62701-1234", "Quiet Harbor", "Statement of 20 March 2026", "$40.00", "10 April 2026",
		"charged $150.00, plan paid $90.00, plan discount $40.00, your copay $20.00. Open: $20.00 with you.",
	} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	pdf, err := PDF(example(120))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || bytes.Count(pdf, []byte("/Type /Page\n")) < 3 {
		t.Errorf("120 lines make %d pages of a PDF", bytes.Count(pdf, []byte("/Type /Page\n")))
	}
}
