package x12_test

import (
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

func ExampleRead() {
	file, found := x12.Read([]byte(good))
	fmt.Println(file.Kinds(), found.Err())

	_, found = x12.Read([]byte(strings.Replace(good, "SE*4*0001", "SE*5*0002", 1)))
	for _, d := range found {
		fmt.Println(d)
	}
	// Output:
	// [271] <nil>
	// error se.count at interchange 1, group 1, set 1, segment 4, SE01 (bytes 229 to 230): SE01 says 5 segments, the set has 4 from ST to SE
	// error se.control at interchange 1, group 1, set 1, segment 4, SE02 (bytes 231 to 235): SE02 must be the ST02 of its set, 0001
}

func ExampleWriter() {
	w := x12.NewWriter(x12.Envelope{
		SenderQualifier: "ZZ", SenderID: "GROUP", ReceiverQualifier: "ZZ", ReceiverID: "PAYER", Date: "2026-01-05", Time: "0930",
		InterchangeControl: 7, GroupControl: 42, Usage: "T", LineBreaks: true,
	})
	w.BeginSet("270", "0001", "005010X279A1", true)
	w.Put(x12.Seg("EQ").Repeated("30", "MH"))
	w.EndSet()
	data, _, err := w.Close()
	fmt.Printf("%s%v", data, err)
	// Output:
	// ISA*00*          *00*          *ZZ*GROUP          *ZZ*PAYER          *260105*0930*^*00501*000000007*0*T*:~
	// GS*HS*GROUP*PAYER*20260105*0930*42*X*005010X279A1~
	// ST*270*0001*005010X279A1~
	// EQ*30^MH~
	// SE*3*0001~
	// GE*1*42~
	// IEA*1*000000007~
	// <nil>
}
