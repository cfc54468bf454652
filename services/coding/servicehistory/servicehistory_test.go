package servicehistory

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

type events = []es.Event

func entry(id string, codes ...string) *pb.ServicesEntered {
	return &pb.ServicesEntered{PatientId: "pat_1", EncounterId: id, ServiceDate: "2026-03-02", ServiceCodes: codes}
}

func removed(id string) *pb.ServicesRemoved {
	return &pb.ServicesRemoved{PatientId: "pat_1", EncounterId: id}
}

func TestEnter(t *testing.T) {
	estest.Run(t, Stream, Enter, []estest.Case[*pb.ServicesEntered]{
		{Name: "a visit from elsewhere is entered", When: entry("enc_1", "90837"), Then: events{entry("enc_1", "90837")}},
		{Name: "one that is there stays as it is", Given: events{entry("enc_1", "90834")}, When: entry("enc_1", "90837")},
		{Name: "one that was removed stays away, however late its own event comes", Given: events{removed("enc_1")}, When: entry("enc_1", "90837")},
	})
}

func TestCorrect(t *testing.T) {
	estest.Run(t, Stream, Correct, []estest.Case[Correction]{
		{Name: "what is billed now counts", Given: events{entry("enc_1", "90837")}, When: Correction{"enc_1", []string{"90834"}}, Then: events{entry("enc_1", "90834")}},
		{Name: "the same codes change nothing", Given: events{entry("enc_1", "90837")}, When: Correction{"enc_1", []string{"90837"}}},
		{Name: "what is billed no more is not corrected", Given: events{entry("enc_1", "90837"), removed("enc_1")}, When: Correction{"enc_1", []string{"90834"}}},
	})
}

func TestRemove(t *testing.T) {
	estest.Run(t, Stream, Remove, []estest.Case[*pb.ServicesRemoved]{
		{Name: "a voided charge frees its place", Given: events{entry("enc_1", "90837")}, When: removed("enc_1"), Then: events{removed("enc_1")}},
		{Name: "once", Given: events{entry("enc_1", "90837"), removed("enc_1")}, When: removed("enc_1")},
	})
}

// Events of posting may come before the visit's own, and everything twice: the history ends the same.
func TestTheHistoryIsTheSameInAnyOrder(t *testing.T) {
	line := func(code string) []*typev1.ServiceLine { return []*typev1.ServiceLine{{ServiceCode: code}} }
	coded := &pb.CodingCompleted{PatientId: "pat_1", EncounterId: "enc_1", ServiceDate: "2026-03-02", Lines: line("90837")}
	corrected := &postingv1.ChargeCorrected{AccountId: "enc_1", PatientId: "pat_1", Lines: line("90834")}
	voided := &postingv1.ChargeVoided{AccountId: "enc_1", EncounterId: "enc_1", PatientId: "pat_1"}
	rapid.Check(t, func(t *rapid.T) {
		void := rapid.Bool().Draw(t, "voided")
		told := events{coded, coded, corrected, corrected}
		if void {
			told = append(told, voided, voided)
		}
		known, waits := es.Known{CodedMirror.Name: {}}, events{}
		var s State
		for _, e := range rapid.Permutation(told).Draw(t, "order") {
			r := es.Recorded{Event: e}
			for _, key := range CodedMirror.Keys(r) {
				known[CodedMirror.Name][key] = append(known[CodedMirror.Name][key], e)
			}
			waits = append(waits, e)
			for i := 0; i < len(waits); i++ {
				commands, err := React(es.Recorded{Event: waits[i]}, known)
				if err != nil {
					continue // it waits
				}
				waits = append(waits[:i:i], waits[i+1:]...)
				i--
				for _, c := range commands {
					out, err := c.Decide(s)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range out {
						s = Evolve(s, proto.Clone(e))
					}
				}
			}
		}
		switch {
		case len(waits) > 0:
			t.Fatalf("%d still wait", len(waits))
		case void && len(s.Entered) > 0:
			t.Fatalf("voided, and still in the way: %v", s.Entered)
		case !void && (len(s.Entered) != 1 || s.Entered[0].ServiceCodes[0] != "90834"):
			t.Fatalf("the corrected code counts: %v", s.Entered)
		}
	})
}
