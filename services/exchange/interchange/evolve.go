// Package interchange is the stream of one file that came in: its bytes, what is wrong with it, and what each of its parts says.
//
// Receive keeps the file or refuses it whole; Interpret reads a kept file and names the facts in it, with the bytes that each comes from. Which claim an answer is about is looked
// up among the numbers that we gave (ClaimMirror), never guessed: an answer about nothing of ours is recorded as unknown. The same bytes are the same file: taking them in
// again changes nothing (TestTheSameFileAgainChangesNothing). A file that is cut at any byte leaves nothing behind but its refusal (TestAFileCutInHalfIsRefused).
package interchange

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is what became of the file.
type State struct {
	Received *pb.InterchangeReceived
	Refused  bool
	Read     bool // its facts are recorded
}

// Stream is the interchange's stream.
var Stream = es.Stream[State]{Kind: "interchange", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.InterchangeReceived:
		s.Received = e
	case *pb.InterchangeRefused:
		s.Refused = true
	case *pb.SetAcknowledged, *pb.ClaimStatusReceived, *pb.EligibilityAnswered, *pb.RemittanceRead, *pb.ClaimImported, *pb.AnswersUnknown:
		s.Read = true
	}
	return s
}
