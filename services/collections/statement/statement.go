// Package statement writes a statement for people: as a page and as a letter.
//
// Both show the same: who asks whom, each account with its sentence and its amount, what is due and when. The promise: the same statement is the same bytes, whenever it is asked
// for (TestTheSameStatementIsTheSameBytes). Nothing here decides an amount.
package statement

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"codeberg.org/go-pdf/fpdf"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/explain"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/services/collections/patientbalance"
)

//go:embed statement.html
var source string

var page = template.Must(template.New("statement").Funcs(template.FuncMap{
	"money": money.Format, "day": explain.Day, "name": name, "address": address, "toPay": patientbalance.ToPay, "held": func() string { return held },
}).Parse(source))

// held says what the row of held money is.
const held = "Paid by you and not yet on a visit: it is held for you"

// HTML is the statement as a page of its own.
func HTML(s *pb.StatementIssued) ([]byte, error) {
	var b bytes.Buffer
	if err := page.Execute(&b, s); err != nil {
		return nil, fmt.Errorf("write statement %s as HTML: %w", s.StatementId, err)
	}
	return b.Bytes(), nil
}

func name(n *typev1.PersonName) string {
	return strings.Join(strings.Fields(strings.Join([]string{n.GetFirst(), n.GetMiddle(), n.GetLast(), n.GetSuffix()}, " ")), " ")
}

// address is the lines of an address; none of an empty one.
func address(a *typev1.Address) []string {
	var out []string
	for _, l := range []string{a.GetLine1(), a.GetLine2(), strings.TrimSpace(strings.TrimPrefix(a.GetCity()+", "+a.GetState()+" "+postal(a.GetPostalCode()), ", "))} {
		if l != "" {
			out = append(out, l)
		}
	}
	return out
}

func postal(code string) string {
	if len(code) == 9 {
		return code[:5] + "-" + code[5:]
	}
	return code
}

// Millimetres of a US letter page.
const (
	margin = 20.0
	width  = 215.9 - 2*margin
	amount = 32.0 // width of the column of amounts
)

// PDF is the statement as a letter. Characters the letter's typeface does not have are written as dots.
func PDF(s *pb.StatementIssued) ([]byte, error) {
	doc := fpdf.New("P", "mm", "Letter", "")
	when := date.Time(s.StatementDate) // never the clock: the same statement is the same bytes
	doc.SetCreationDate(when)
	doc.SetModificationDate(when)
	doc.SetCatalogSort(true)
	doc.SetProducer("Evenkeel", false)
	doc.SetTitle("Statement of "+s.StatementDate, false)
	doc.SetMargins(margin, margin, margin)
	latin := doc.UnicodeTranslatorFromDescriptor("") // cp1252
	put := func(style string, size float64, text string) {
		doc.SetFont("Helvetica", style, size)
		doc.MultiCell(width, size*0.5, latin(plain(text)), "", "L", false)
	}
	doc.SetFooterFunc(func() {
		doc.SetY(-15)
		doc.SetFont("Helvetica", "", 8)
		doc.CellFormat(width, 5, fmt.Sprintf("Statement %s, page %d", s.StatementId, doc.PageNo()), "", 0, "R", false, 0, "")
	})
	doc.AddPage()
	put("B", 12, s.OrganizationName)
	for _, l := range address(s.OrganizationAddress) {
		put("", 10, l)
	}
	if s.OrganizationPhone != "" {
		put("", 10, s.OrganizationPhone)
	}
	doc.Ln(8)
	put("", 11, name(s.PatientName))
	for _, l := range address(s.PatientAddress) {
		put("", 11, l)
	}
	doc.Ln(8)
	put("B", 15, "Statement of "+explain.Day(s.StatementDate))
	put("", 11, "Please pay "+money.Format(patientbalance.ToPay(s))+" by "+explain.Day(s.DueDate)+".")
	doc.Ln(4)
	for _, l := range s.Lines {
		row(doc, latin, "", l.Explanation, money.Format(l.BalanceAmount))
	}
	if s.HeldAmount > 0 {
		row(doc, latin, "", held, "−"+money.Format(s.HeldAmount))
	}
	row(doc, latin, "B", "To pay", money.Format(patientbalance.ToPay(s)))
	var b bytes.Buffer
	if err := doc.Output(&b); err != nil {
		return nil, fmt.Errorf("write statement %s as PDF: %w", s.StatementId, err)
	}
	return b.Bytes(), nil
}

// row is a sentence at the left and an amount at the right, under one line.
func row(doc *fpdf.Fpdf, latin func(string) string, style, text, sum string) {
	doc.SetFont("Helvetica", style, 10)
	if lines := doc.SplitText(latin(plain(text)), width-amount); doc.GetY()+float64(len(lines))*5+4 > 279.4-margin {
		doc.AddPage()
		doc.SetFont("Helvetica", style, 10)
	}
	top := doc.GetY()
	doc.MultiCell(width-amount, 5, latin(plain(text)), "", "L", false)
	bottom := doc.GetY()
	doc.SetXY(margin+width-amount, top)
	doc.CellFormat(amount, 5, latin(plain(sum)), "", 0, "R", false, 0, "")
	doc.SetXY(margin, bottom+2)
	doc.Line(margin, bottom+1, margin+width, bottom+1)
}

// plain writes the minus sign as the typeface has it.
func plain(s string) string { return strings.ReplaceAll(s, "−", "-") }
