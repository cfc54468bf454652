package allocation_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/services/authorization/allocation"
	"github.com/evenkeel/evenkeel/services/authorization/requirement"
	"github.com/evenkeel/evenkeel/services/authorization/unitledger"
)

const day = "2026-03-02"

// world runs the pure parts in memory: streams keep their order, and nothing else does.
type world struct {
	t      *rapid.T
	known  es.Known
	queues map[string][]es.Event // by stream, not delivered yet
	log    map[string][]es.Event // our own streams
}

var mirrors = []es.AnyMirror{requirement.PolicyMirror, allocation.CodedMirror, allocation.ReceivedMirror}

func (w *world) send(stream string, events ...es.Event) {
	w.queues[stream] = append(w.queues[stream], events...)
}

// deliver hands over the next event of some stream; false: it must wait.
func (w *world) deliver(stream string) bool {
	e := w.queues[stream][0]
	if yes, approves := e.(*pb.AuthorizationApproved); approves && stream == approver(yes.AuthorizationId) { // a person says it to the ledger
		delete(w.queues, stream)
		name := unitledger.Stream.Name(yes.AuthorizationId)
		w.log[name] = append(w.log[name], yes)
		w.send(name, yes)
		return true
	}
	r := es.Recorded{Event: e}
	var kept [][2]string
	for _, m := range mirrors {
		for _, key := range m.MirrorKeys(r) {
			if w.known[m.MirrorName()] == nil {
				w.known[m.MirrorName()] = map[string][]es.Event{}
			}
			w.known[m.MirrorName()][key] = append(w.known[m.MirrorName()][key], e)
			kept = append(kept, [2]string{m.MirrorName(), key})
		}
	}
	commands, err := es.Fan(unitledger.React, allocation.React)(r, w.known)
	var wait *es.WaitError
	if errors.As(err, &wait) {
		for _, k := range kept {
			all := w.known[k[0]][k[1]]
			w.known[k[0]][k[1]] = all[:len(all)-1]
		}
		return false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if w.queues[stream] = w.queues[stream][1:]; len(w.queues[stream]) == 0 {
		delete(w.queues, stream)
	}
	for _, c := range commands {
		w.run(c)
	}
	return true
}

func (w *world) run(c es.Command) {
	name := es.Name(c.Kind, c.ID)
	state := c.Initial()
	for _, e := range w.log[name] {
		state = c.Fold(state, e)
	}
	out, err := c.Decide(state)
	if err != nil {
		w.t.Fatalf("a reaction was refused: %v", err)
	}
	for _, e := range out {
		w.log[name] = append(w.log[name], proto.Clone(e))
		w.send(name, e)
	}
}

func approver(id string) string { return "approver/" + id }

// settle delivers everything, in an order that is drawn.
func (w *world) settle(each func()) {
	for len(w.queues) > 0 {
		streams := slices.Sorted(maps.Keys(w.queues))
		first := rapid.IntRange(0, len(streams)-1).Draw(w.t, "next")
		moved := false
		for i := range streams {
			if moved = w.deliver(streams[(first+i)%len(streams)]); moved {
				break
			}
		}
		if !moved {
			w.t.Fatalf("everything waits: %v", streams)
		}
		each()
	}
}

func (w *world) ledger(id string) unitledger.State {
	return estest.Fold(unitledger.Stream, w.log[unitledger.Stream.Name(id)])
}

// Bookings, visits, approvals, corrections and voids of one patient in any order: no authorization gives more than was approved, no visit has units of two, what is off or billed
// no more has none, and no unit is left while a visit that it fits waits for one.
func TestInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, known: es.Known{}, queues: map[string][]es.Event{}, log: map[string][]es.Event{}}
		payers := []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: 1}}
		w.send("payer/pay_1", &registryv1.PayerPolicySet{PayerId: "pay_1", FromDate: "2026-01-01", AuthorizationCodes: []string{"90837"}})

		permits := []string{"aut_1", "aut_2"}[:rapid.IntRange(1, 2).Draw(t, "permits")]
		approved := map[string]int32{}
		for _, id := range permits {
			approved[id] = rapid.Int32Range(1, 4).Draw(t, "approved")
			requested := &pb.AuthorizationRequested{AuthorizationId: id, PatientId: "pat_1", PayerId: "pay_1"}
			yes := &pb.AuthorizationApproved{AuthorizationId: id, PatientId: "pat_1", PayerId: "pay_1", AuthNo: "N" + id, FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"90837": approved[id]}}
			name := unitledger.Stream.Name(id)
			w.log[name] = []es.Event{requested}
			w.send(approver(id), yes)
		}
		toCome, voided, units := map[string]bool{}, map[string]bool{}, map[string]int32{}
		for i := range rapid.IntRange(1, 5).Draw(t, "visits") {
			enc, apt := fmt.Sprint("enc_", i), fmt.Sprint("apt_", i)
			named := append([]string{""}, permits...)[rapid.IntRange(0, len(permits)).Draw(t, "named")]
			fate := rapid.SampledFrom([]string{"given", "given", "given", "walk-in", "cancelled", "no-show", "to come"}).Draw(t, "fate")
			if fate != "walk-in" {
				w.send("appointment/"+apt, &intakev1.AppointmentScheduled{AppointmentId: apt, PatientId: "pat_1", ServiceDate: day, ServiceCode: "90837", Units: 1, AuthorizationId: named, ResponsiblePayers: payers})
			}
			switch fate {
			case "walk-in":
				apt = ""
				fallthrough
			case "given":
				line := func(n int32) []*typev1.ServiceLine {
					return []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", UnitsThousandths: n * 1000}}
				}
				units[enc] = 1
				w.send("encounter/"+enc, &codingv1.CodingCompleted{EncounterId: enc, AppointmentId: apt, PatientId: "pat_1", ServiceDate: day, AuthorizationId: named, ResponsiblePayers: payers, Lines: line(1)})
				if rapid.IntRange(0, 3).Draw(t, "corrected") == 0 {
					units[enc] = 2
					w.send("account/"+enc, &postingv1.ChargeCorrected{AccountId: enc, Lines: line(2)})
				}
				if rapid.IntRange(0, 3).Draw(t, "voided") == 0 {
					voided[enc] = true
					w.send("account/"+enc, &postingv1.ChargeVoided{AccountId: enc, EncounterId: enc})
				}
			case "to come":
				toCome[apt] = true
			case "cancelled":
				w.send("appointment/"+apt, &intakev1.AppointmentCancelled{AppointmentId: apt, PatientId: "pat_1"})
			case "no-show":
				w.send("appointment/"+apt, &intakev1.AppointmentNoShowed{AppointmentId: apt, PatientId: "pat_1"})
			}
		}
		w.settle(func() {
			for _, id := range permits {
				if left := w.ledger(id).Left["90837"]; left < 0 {
					t.Fatalf("%s: %d units left", id, left)
				}
			}
		})
		check(t, w, permits, toCome, voided, units)
	})
}

func check(t *rapid.T, w *world, permits []string, toCome, voided map[string]bool, units map[string]int32) {
	used, held, left := map[string]int32{}, map[string]bool{}, int32(0)
	for _, id := range permits {
		s := w.ledger(id)
		left = max(left, s.Left["90837"])
		for enc, c := range s.Consumed {
			if used[enc] > 0 {
				t.Fatalf("%s has units of two authorizations", enc)
			}
			used[enc] = c.Units
		}
		for apt := range s.Held {
			held[apt] = true
			if !toCome[apt] {
				t.Fatalf("%s holds units and is not to come", apt)
			}
		}
	}
	for enc, n := range units {
		switch {
		case voided[enc] && used[enc] > 0:
			t.Fatalf("%s is billed no more and has %d units", enc, used[enc])
		case !voided[enc] && used[enc] == 0 && n <= left:
			t.Fatalf("%s has no units of %d, %d are left", enc, n, left)
		}
	}
	for apt := range toCome {
		if !held[apt] && left > 0 {
			t.Fatalf("%s holds nothing, %d are left", apt, left)
		}
	}
}
