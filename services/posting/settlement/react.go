package settlement

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/posting/remittance"
)

// React tells the settlement of both sides.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *exchangev1.RemittanceRead:
		id := ID(e.TraceNumber)
		return []es.Command{es.Do(Stream, id, Advise, &pb.RemittanceAdvised{
			SettlementId: id, RemittanceId: e.RemittanceId, PayerId: e.PayerId, PayerIdentifier: e.PayerIdentifier, TraceNumber: e.TraceNumber,
			Amount: e.PaymentAmount, EffectiveDate: e.EffectiveDate, OutOfBalance: remittance.OutOfBalance(e),
		})}, nil
	case *pb.DepositReceived:
		id := ID(e.TraceNumber)
		return []es.Command{es.Do(Stream, id, Deposit, &pb.DepositAdvised{
			SettlementId: id, DepositId: e.DepositId, PayerIdentifier: e.PayerIdentifier, TraceNumber: e.TraceNumber, Amount: e.Amount,
			PayerId: e.PayerId, DepositDate: e.DepositDate,
		})}, nil
	case *pb.DepositReversed:
		id := ID(e.TraceNumber)
		return []es.Command{es.Do(Stream, id, Withdraw, &pb.DepositWithdrawn{SettlementId: id, DepositId: e.DepositId})}, nil
	}
	return nil, nil
}
