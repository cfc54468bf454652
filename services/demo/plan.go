package demo

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// The plan of a group: who comes, when, and what goes wrong. It follows from seed, weeks and patients alone; days are counted from the first Monday.

// plan is the group's time to come.
type plan struct {
	weeks    int
	patients []*patient
	visits   []*visit // by day, then by name
}

type patient struct {
	name      string // of the requests about the patient: p017
	request   *intakev1.RegisterPatientRequest
	place     string // key
	clinician *clinician
	starts    int // day of registration, a Monday
	coverages []*coverage
	checked   bool // eligibility is asked for
	pays      paying
	visits    []*visit
	permits   []*permit
}

// coverage is one card.
type coverage struct {
	name    string
	payer   string // key, as the card says
	request *intakev1.AddCoverageRequest
}

// permit is an authorization that is asked for in time.
type permit struct {
	name  string
	units map[string]int32
	weeks int // it holds for
}

// paying is what a patient does about a statement.
type paying int

const (
	inFull paying = iota
	half
	never
)

// fate of a booked visit.
type fate int

const (
	happens fate = iota
	cancelled
	noShow
)

// missing is what the group does where it forgot to ask for an authorization.
type missing int

const (
	nothingMissing missing = iota
	sentAnyway             // the biller lets the claim go, the payer denies it, and an authorization after the fact mends it
	sentAndLost            // the same, and the payer gives none
	mendedFirst            // the claim is held until an authorization after the fact is there
)

type visit struct {
	name      string // p017.v03
	patient   *patient
	day       int // of service
	entered   int // day on which the EHR sends it
	clock     int // minutes after midnight at the location
	booked    int // minutes
	minutes   int // as it was
	kind      codingv1.ServiceKind
	code      string // expected, as the appointment says
	units     int32
	modality  typev1.Modality
	em        string // E/M code
	emMinutes int
	complex   bool
	size      int // of the group
	fate      fate
	walkIn    bool // nobody booked it
	copay     bool // taken at the desk
	again     int  // day on which the EHR sends it a second time, as a new visit; 0: never
	insists   bool // the coder takes that for a second visit and bills both
	permit    *permit
	missing   missing
	answer    string // to the coder's query that it brings up: a code; empty: nothing is billed
	diagnoses []string
}

const daysOfWeek = 7

// Rates, in percent of whatever they are said of.
const (
	cancelledRate = 6
	noShowRate    = 3
	videoHome     = 24
	videoElse     = 3
	audioHome     = 2
	takesCopay    = 62
	asksForgotten = 22 // patients whose authorization nobody asked for
	isLate        = 5  // patients with a visit of last year that was never entered
	isDuplicate   = 5  // patients with a visit that the EHR sends twice
	tooShort      = 4  // patients with a visit too short to bill
	unchecked     = 6  // patients whose eligibility nobody asked for
)

// lateBy is how many days before the first Monday a visit lies that was never entered: beyond every filing limit.
const lateBy = 400

// chance is one patient's luck: the same for the same seed and patient, whoever else there is.
func chance(seed uint64, about string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(about)) // never fails
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func percent(r *rand.Rand, n int) bool { return r.IntN(100) < n }

func pickOf[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// newPlan plans a group. now is the first Monday: only ages and days follow from it.
func newPlan(seed uint64, weeks, patients int, monday time.Time) *plan {
	p := &plan{weeks: weeks}
	desks := map[string]int{} // next free hour, by clinician
	circles := map[string][]*patient{}
	for n := range patients {
		r := chance(seed, fmt.Sprint("patient ", n))
		c := &clinicians[n%len(clinicians)]
		one := newPatient(r, seed, n, c, monday)
		p.patients = append(p.patients, one)
		hour := desks[c.key]
		desks[c.key]++
		k := pickOf(r, c.kinds)
		if k == group {
			circles[c.key] = append(circles[c.key], one)
		}
		one.plan(r, k, weeks, hour)
	}
	for _, c := range clinicians {
		size := len(circles[c.key])
		for _, one := range circles[c.key] {
			for _, v := range one.visits {
				v.size = inGroup(v, size)
			}
		}
	}
	for _, one := range p.patients {
		one.troubles(chance(seed, "troubles "+one.name), weeks)
		p.visits = append(p.visits, one.visits...)
	}
	slices.SortFunc(p.visits, func(a, b *visit) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.name, b.name)) })
	return p
}

// inGroup is how many take part in a visit: a group has guests where few of its own are registered here.
func inGroup(v *visit, own int) int {
	if v.kind != codingv1.ServiceKind_SERVICE_KIND_GROUP {
		return 0
	}
	return min(max(own, 5), 10)
}

func newPatient(r *rand.Rand, seed uint64, n int, c *clinician, monday time.Time) *patient {
	first, last := pickOf(r, firstNames), pickOf(r, lastNames)
	child := n%5 == 4 && c.kinds[0] != medication
	age := 19 + r.IntN(54)
	if child {
		age = 7 + r.IntN(11)
	}
	born := monday.AddDate(-age, 0, -r.IntN(360))
	home := pickOf(r, cities)
	one := &patient{
		name: fmt.Sprintf("p%03d", n+1), clinician: c, place: pickOf(r, c.places), pays: pickOf(r, []paying{inFull, inFull, inFull, half, half, never}),
		checked: !percent(r, unchecked),
	}
	if n%3 == 2 { // a third is new in the second and third week
		one.starts = (1 + r.IntN(2)) * daysOfWeek
	}
	one.request = &intakev1.RegisterPatientRequest{
		Name: &typev1.PersonName{First: first, Last: last}, BirthDate: iso(born), Sex: pickOf(r, []typev1.Sex{typev1.Sex_SEX_FEMALE, typev1.Sex_SEX_FEMALE, typev1.Sex_SEX_MALE}),
		Address: &typev1.Address{Line1: fmt.Sprintf("%d %s Street", 1+r.IntN(980), pickOf(r, streets)), City: home.city, State: "IL", PostalCode: home.zip},
		Phone:   fmt.Sprintf("31255501%02d", n%100), MedicalRecordNumber: fmt.Sprintf("DEMO-%d-%04d", seed, n+1),
	}
	one.cover(r, child, born)
	return one
}

// cover gives the patient cards, or none: self-pay.
func (p *patient) cover(r *rand.Rand, child bool, born time.Time) {
	at, first := r.IntN(100), (*payer)(nil)
	for i := range payers {
		if at < payers[i].share {
			first = &payers[i]
			break
		}
		at -= payers[i].share
	}
	if first == nil {
		return
	}
	p.card(r, first, 1, child, born)
	if percent(r, first.secondaries) {
		p.card(r, payerOf(first.secondary), 2, false, born)
	}
}

func (p *patient) card(r *rand.Rand, of *payer, sequence int, child bool, born time.Time) {
	c := &coverage{name: fmt.Sprintf("%s.c%d", p.name, sequence), payer: of.key, request: &intakev1.AddCoverageRequest{
		PayerSequence: typev1.PayerSequence(sequence), PlanName: of.request.Name + " " + pickOf(r, []string{"Choice", "Select", "Core"}), FromDate: "2024-01-01",
		Relationship: typev1.Relationship_RELATIONSHIP_SELF, MemberId: fmt.Sprintf("%s%08d", of.card, r.IntN(100_000_000)), GroupNumber: fmt.Sprintf("G%05d", r.IntN(100_000)),
	}}
	switch {
	case child:
		c.request.Relationship = typev1.Relationship_RELATIONSHIP_CHILD
		p.insuredBy(r, c.request, born.AddDate(-24-r.IntN(16), 0, r.IntN(300)))
	case percent(r, 9):
		c.request.Relationship = typev1.Relationship_RELATIONSHIP_SPOUSE
		p.insuredBy(r, c.request, born.AddDate(0, -r.IntN(60), r.IntN(28)))
	}
	p.coverages = append(p.coverages, c)
}

func (p *patient) insuredBy(r *rand.Rand, c *intakev1.AddCoverageRequest, born time.Time) {
	c.SubscriberName = &typev1.PersonName{First: pickOf(r, firstNames), Last: p.request.Name.Last}
	c.SubscriberBirthDate = iso(born)
	c.SubscriberSex = pickOf(r, []typev1.Sex{typev1.Sex_SEX_FEMALE, typev1.Sex_SEX_MALE})
}

// payer who pays the patient's behavioral services first; nil: the patient. known says whether the carve-out is known by then.
func (p *patient) payer() *payer {
	if len(p.coverages) == 0 {
		return nil
	}
	key := p.coverages[0].payer
	if key == medicalPlan && p.checked {
		key = behavioral
	}
	return payerOf(key)
}

// plan books the visits: the first is an evaluation, then the same hour every week.
func (p *patient) plan(r *rand.Rand, k kind, weeks, hour int) {
	day, clock := hour%5, 9*60+(hour/5%8)*60
	if k == group {
		day, clock = 2, 16*60
	}
	step := 1
	if k == medication {
		step = 2 + r.IntN(2)
	}
	length := pickOf(r, []int{30, 45, 45, 45, 60, 60}) // what this patient usually has
	for week, n := p.starts/daysOfWeek, 0; week < weeks; week, n = week+1, n+1 {
		if n > 0 && n%step != 0 {
			continue
		}
		v := &visit{
			name: fmt.Sprintf("%s.v%02d", p.name, n+1), patient: p, day: week*daysOfWeek + day, clock: clock, units: 1, modality: typev1.Modality_MODALITY_IN_PERSON,
			diagnoses: p.diagnosed(), copay: percent(r, takesCopay),
		}
		v.entered = v.day
		if n == 0 {
			v.evaluation(r, p.clinician)
		} else {
			v.regular(r, k, length)
		}
		switch at := r.IntN(100); {
		case k == group: // in the room
		case at < videoHome:
			v.modality = typev1.Modality_MODALITY_VIDEO_PATIENT_HOME
		case at < videoHome+videoElse:
			v.modality = typev1.Modality_MODALITY_VIDEO_ELSEWHERE
		case at < videoHome+videoElse+audioHome && n > 0:
			v.modality = typev1.Modality_MODALITY_AUDIO_PATIENT_HOME
		}
		switch at := r.IntN(100); {
		case n == 0: // nobody misses the first
		case at < cancelledRate:
			v.fate = cancelled
		case at < cancelledRate+noShowRate:
			v.fate = noShow
		}
		p.visits = append(p.visits, v)
	}
}

func (p *patient) diagnosed() []string {
	r := chance(0, "diagnoses "+p.request.MedicalRecordNumber)
	first := pickOf(r, diagnoses)
	if second := pickOf(r, diagnoses); second != first && percent(r, 35) {
		return []string{first, second}
	}
	return []string{first}
}

func (v *visit) evaluation(r *rand.Rand, c *clinician) {
	v.kind, v.code, v.booked, v.minutes = codingv1.ServiceKind_SERVICE_KIND_EVALUATION, "90791", 60, 52+r.IntN(12)
	if l := c.request.LicenseType; l == psychiatrist || l == nurse {
		v.kind, v.code = codingv1.ServiceKind_SERVICE_KIND_EVALUATION_MEDICAL, "90792"
	}
}

// talkCodes by booked minutes, with the least minutes of the code.
var talkCodes = map[int]struct {
	code  string
	least int
	span  int
}{30: {"90832", 18, 18}, 45: {"90834", 39, 12}, 60: {"90837", 53, 6}}

func (v *visit) regular(r *rand.Rand, k kind, length int) {
	switch k {
	case medication:
		v.em, v.emMinutes = pickOf(r, []string{"99213", "99213", "99214", "99214", "99215", "99212"}), 12+r.IntN(6)
		if percent(r, 55) {
			v.kind, v.code, v.booked, v.minutes = codingv1.ServiceKind_SERVICE_KIND_MEDICATION_AND_PSYCHOTHERAPY, v.em, 45, 40+r.IntN(8)
			return
		}
		v.kind, v.code, v.booked, v.minutes = codingv1.ServiceKind_SERVICE_KIND_MEDICATION, v.em, 20, 18+r.IntN(6)
	case family:
		v.kind, v.code, v.booked, v.minutes = codingv1.ServiceKind_SERVICE_KIND_FAMILY_WITH_PATIENT, "90847", 50, 44+r.IntN(12)
		if percent(r, 25) {
			v.kind, v.code = codingv1.ServiceKind_SERVICE_KIND_FAMILY_WITHOUT_PATIENT, "90846"
		}
	case group:
		v.kind, v.code, v.booked, v.minutes = codingv1.ServiceKind_SERVICE_KIND_GROUP, "90853", 90, 84+r.IntN(8)
	default:
		if percent(r, 1) {
			v.kind, v.code, v.booked, v.minutes = codingv1.ServiceKind_SERVICE_KIND_CRISIS, "90839", 60, 40+r.IntN(75)
			return
		}
		t := talkCodes[length]
		v.kind, v.code, v.booked, v.minutes = codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, t.code, length, t.least+r.IntN(t.span)
		v.complex = percent(r, 4)
	}
}

// troubles are what goes wrong with this patient, and the authorizations that are asked for in time.
func (p *patient) troubles(r *rand.Rand, weeks int) {
	first := p.payer()
	forgotten, how := percent(r, asksForgotten), pickOf(r, []missing{sentAnyway, sentAnyway, sentAndLost, mendedFirst})
	if first != nil {
		p.permitted(r, first, forgotten, how, weeks)
	}
	real := slices.DeleteFunc(slices.Clone(p.visits), func(v *visit) bool { return v.fate != happens })
	if len(real) > 3 {
		if percent(r, isDuplicate) {
			v := real[1+r.IntN(2)]
			v.again = v.day + 1 + r.IntN(2)
			if v.again%daysOfWeek > 4 {
				v.again += 3
			}
			v.insists = v.again%2 == 0
		}
		if v := real[3+r.IntN(len(real)-3)]; percent(r, tooShort) && v.kind == codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY {
			v.minutes = 9 + r.IntN(6)
		}
	}
	if first != nil && percent(r, isLate) && p.clinician.kinds[0] != medication && len(p.visits) > 0 { // a short run may end before they begin
		p.visits = append(p.visits, &visit{
			name: p.name + ".late", patient: p, day: -lateBy + p.visits[0].day%daysOfWeek, entered: p.starts + daysOfWeek + r.IntN(5), clock: 10 * 60, booked: 45, minutes: 44,
			kind: codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, code: "90834", units: 1, modality: typev1.Modality_MODALITY_IN_PERSON, walkIn: true, diagnoses: p.diagnosed(),
		})
	}
}

// permitted names for each visit that needs one the authorization that is to cover it.
func (p *patient) permitted(r *rand.Rand, first *payer, forgotten bool, how missing, weeks int) {
	need := map[string]int32{}
	for _, v := range p.visits {
		if first.authorizes(v.code) {
			need[v.code]++
		}
	}
	if len(need) == 0 {
		return
	}
	var one *permit
	if !forgotten {
		one = &permit{name: p.name + ".permit", units: need, weeks: weeks}
		if percent(r, 10) { // too few: the last visits are beyond it
			for code, n := range need {
				need[code] = max(1, n-2)
			}
		}
		p.permits = append(p.permits, one)
	}
	for i, v := range p.visits {
		switch {
		case !first.authorizes(v.code):
		case one != nil:
			v.permit = one
		case i%3 == 0: // noticed, for this visit, too late
			v.missing = how
		default:
			v.missing = mendedFirst
		}
	}
}

func iso(t time.Time) string { return t.Format(time.DateOnly) }
