package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
)

// visitPage is a visit before it is billed: an appointment, or an encounter on its way to codes.
type visitPage struct {
	Title, ID string
	Held      []string
	HeldTitle string
	Facts     []fact
	Forms     []*form
	Tables    []*table
}

// encounter is a session with its codes and how each came about; the coder answers here what the rules leave open.
func (c *console) encounter(ctx context.Context, r *request) (*page, error) {
	x, err := c.coding.GetEncounter(ctx, &codingv1.GetEncounterRequest{EncounterId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the encounter: %w", err)
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	d := &visitPage{Title: "Encounter", ID: x.EncounterId, HeldTitle: "A coder must answer"}
	state := badge(strings.TrimPrefix(x.Status.String(), "ENCOUNTER_STATUS_"))
	d.Facts = []fact{
		{"State", state}, {"Date of service", day(x.ServiceDate)}, {"Location", text(n.location(x.LocationId))}, {"Patient", id(x.PatientId, r.opens("/patients/"+x.PatientId))},
		{"Service", text(words(strings.TrimPrefix(x.ServiceKind.String(), "SERVICE_KIND_")))}, {"How", text(words(strings.TrimPrefix(x.Modality.String(), "MODALITY_")))}, {"Began (UTC)", instant(x.StartAt.AsTime())}, {"Ended (UTC)", instant(x.EndAt.AsTime())},
		{"Therapy minutes", count(int64(x.Minutes), "")}, {codeSystem(""), orDash(diagnoses(x.DiagnosisCodes))}, {"Charge", amount(x.Charge, r.opens("/accounts/"+x.EncounterId))},
		{"History", link("What happened to it", r.opens("/events/coding/encounter/"+x.EncounterId))},
	}
	if x.Status == codingv1.EncounterStatus_ENCOUNTER_STATUS_CODED {
		d.Facts = append(d.Facts, fact{"Account", id(x.EncounterId, r.opens("/accounts/"+x.EncounterId))})
	}
	for _, why := range x.OpenQuery {
		s, _ := n.readable(why.Message)
		d.Held = append(d.Held, sentence(s))
	}
	if len(d.Held) > 0 {
		d.Forms = forms(r.form("/encounters/"+x.EncounterId+"/coder-answers", "Answer the query", "What stays open after the answer is asked again.", "Answer",
			input{Name: "answer", Label: "Answer", Options: answers, Also: []string{"no_bill", "distinct_service"}},
			input{Name: "service_code", Label: "Code of the primary line", Most: 5},
			input{Name: "distinct_modifier", Label: "Modifier that says so, where both are billed", Options: distinctModifiers},
			input{Name: "note", Label: "Note", Hint: "no names of persons", Most: 500}))
	}
	lines := &table{Caption: "Codes", Columns: []column{{Name: "Code"}, {Name: "Units", Num: true}, {Name: "Place of service"}, {Name: "Diagnoses, by their place"}, {Name: "Charged", Num: true}}, Empty: "It is not coded yet."}
	for _, l := range x.Lines {
		code := text(strings.Join(append([]string{l.ServiceCode}, l.Modifiers...), " "))
		code.Class = "id"
		lines.Rows = append(lines.Rows, row{Cells: []cell{code, units(l.UnitsThousandths), place(l.PlaceOfService, l.Modifiers...), orDash(pointers(l.DiagnosisPointers)), amount(l.Charge, "")}})
	}
	decisions := &table{Caption: "How the codes came about", Columns: []column{{Name: "What"}, {Name: "Why"}, {Name: "Rule"}}, Empty: "Nothing was decided yet.", Todo: "A session is coded when it is signed."}
	for _, e := range x.Decisions {
		decisions.Rows = append(decisions.Rows, row{Cells: []cell{text(e.Subject), text(spelledIn(e.Reason)), text(e.RuleId + ", version " + strconv.Itoa(int(e.RuleVersion)))}})
	}
	d.Tables = []*table{lines, decisions}
	if len(x.Answers) > 0 {
		t := &table{Caption: "What coders answered", Columns: []column{{Name: "Answer"}, {Name: "Note"}}}
		for _, a := range x.Answers {
			t.Rows = append(t.Rows, row{Cells: []cell{text(answered(a)), orDash(a.Note)}})
		}
		d.Tables = append(d.Tables, t)
	}
	return &page{Title: "Encounter " + short(x.EncounterId), Nav: "work", Crumbs: []crumb{{"Work items", "/work-items"}}, Body: "visit", Data: d}, nil
}

// Answers to a coder query, and the modifiers that tell services of one day apart.
var (
	answers = []option{{"again", "Code it again with what is known now"}, {"code", "The code is the one I give"}, {"distinct", "A service of its own: both are billed"}, {"no_bill", "Nothing is billed to anybody"}}

	distinctModifiers = []option{{"", "None"}, {"59", "59"}, {"XE", "XE"}, {"XP", "XP"}, {"XS", "XS"}, {"XU", "XU"}, {"76", "76"}, {"77", "77"}, {"25", "25"}}
)

func answered(a *codingv1.CoderQueryAnswered) string {
	switch {
	case a.NoBill:
		return "Nothing is billed"
	case a.DistinctService:
		return strings.TrimSpace("A service of its own: both are billed " + a.DistinctModifier)
	case a.ServiceCode != "":
		return "The code is " + a.ServiceCode
	}
	return "Coded again with what was known"
}

func (c *console) answerQuery(ctx context.Context, r *request) (*page, error) {
	id, answer := r.PathValue("id"), r.PostFormValue("answer")
	ask := &codingv1.AnswerCoderQueryRequest{
		EncounterId: id, ServiceCode: strings.ToUpper(typed(r, "service_code")), NoBill: answer == "no_bill", DistinctService: answer == "distinct", DistinctModifier: r.PostFormValue("distinct_modifier"), Note: typed(r, "note"),
	}
	if answer == "code" && ask.ServiceCode == "" {
		return nil, wrong("service_code", "give the code of the primary line")
	}
	if answer == "again" && ask.ServiceCode != "" {
		return nil, wrong("answer", "a code was given: say that the code is the one you give, or leave it out")
	}
	receipt, err := c.coding.AnswerCoderQuery(c.calling(ctx, r, r.PostFormValue("key")), ask)
	return c.after(r, receipt, err, "/encounters/"+id, "answered")
}

// appointment is a visit that is booked: whether it can take place, and what became of it.
func (c *console) appointment(ctx context.Context, r *request) (*page, error) {
	x, err := c.intake.GetAppointment(ctx, &intakev1.GetAppointmentRequest{AppointmentId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the appointment: %w", err)
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	d := &visitPage{Title: "Visit", ID: x.AppointmentId, HeldTitle: "Before the visit"}
	ready := strings.TrimPrefix(x.Readiness.String(), "READINESS_")
	d.Facts = []fact{
		{"State", badge(strings.TrimPrefix(x.Status.String(), "APPOINTMENT_STATUS_"))}, {"Ready", badge(ready)}, {"Date of service", day(x.ServiceDate)}, {"Begins (UTC)", instant(x.StartAt.AsTime())}, {"Location", text(n.location(x.LocationId))},
		{"Patient", id(x.PatientId, r.opens("/patients/"+x.PatientId))}, {"Service", orDash(x.ServiceCode)}, {"Units", count(int64(x.Units), "")}, {"How", text(words(strings.TrimPrefix(x.Modality.String(), "MODALITY_")))}, {"Authorization", orDash("")},
		{"History", link("What happened to it", r.opens("/events/intake/appointment/"+x.AppointmentId))},
	}
	if x.AuthorizationId != "" {
		d.Facts[9].Value = id(x.AuthorizationId, r.opens("/events/authorization/authorization/"+x.AuthorizationId))
	}
	know := &table{Caption: "What to know", Columns: []column{{Name: "What"}}}
	for _, why := range x.ReadinessReasons {
		s, _ := n.readable(why.Message)
		if x.Readiness == intakev1.Readiness_READINESS_CLEARED {
			know.Rows = append(know.Rows, row{Cells: []cell{text(sentence(s))}})
			continue
		}
		d.Held = append(d.Held, sentence(s))
	}
	if x.Status == intakev1.AppointmentStatus_APPOINTMENT_STATUS_SCHEDULED {
		to, why := "/appointments/"+x.AppointmentId, input{Name: "reason", Label: "Because", Hint: "no names of persons", Most: 200}
		d.Forms = forms(
			r.form(to+"/no-shows", "No-show", "The patient did not come. Units that were held of an authorization are free again.", "Record the no-show", why),
			r.form(to+"/cancellations", "Cancel", "The visit will not take place. Units that were held of an authorization are free again.", "Cancel the visit", why))
	}
	payers := &table{Caption: "Who pays", Columns: []column{{Name: "Payer"}, {Name: "Billed as"}}, Empty: "The patient pays.", Todo: "No coverage is known for the day."}
	for _, p := range x.ResponsiblePayers {
		payers.Rows = append(payers.Rows, row{Cells: []cell{wide(n.payer(p.PayerId)), text(words(p.PayerSequence.String()))}})
	}
	d.Tables = []*table{payers}
	if len(know.Rows) > 0 {
		d.Tables = append(d.Tables, know)
	}
	return &page{Title: "Visit " + short(x.AppointmentId), Nav: "work", Crumbs: []crumb{{"Work items", "/work-items"}}, Body: "visit", Data: d}, nil
}

func (c *console) noShow(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.intake.RecordNoShow(c.calling(ctx, r, r.PostFormValue("key")), &intakev1.RecordNoShowRequest{AppointmentId: id, Reason: typed(r, "reason")})
	return c.after(r, receipt, err, "/appointments/"+id, "no_show")
}

func (c *console) cancelVisit(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.intake.CancelAppointment(c.calling(ctx, r, r.PostFormValue("key")), &intakev1.CancelAppointmentRequest{AppointmentId: id, Reason: typed(r, "reason")})
	return c.after(r, receipt, err, "/appointments/"+id, "cancelled")
}
