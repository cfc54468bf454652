package exchange

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps interchanges, in the transaction that appends the event.
func Project(r es.Recorded) []es.Statement {
	const insert = `INSERT INTO interchanges
		(tenant_id, interchange_id, position, direction, status, kind, partner_id, control_no, sha256, file_name, channel, size, on_date, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::date, $14) ON CONFLICT (tenant_id, interchange_id) DO NOTHING`
	day := func(told string) string {
		if told == "" {
			return r.OccurredOn
		}
		return told
	}
	switch e := r.Event.(type) {
	case *pb.InterchangeSent:
		return []es.Statement{es.SQL(insert, r.Tenant, e.InterchangeId, r.Position, "out", "sent", e.Kind, e.ReceiverId, e.InterchangeControlNumber, e.FileSha256, "", "",
			e.Size, day(e.SentDate), "")}
	case *pb.InterchangeReceived:
		kind := ""
		if len(e.Kinds) > 0 {
			kind = e.Kinds[0]
		}
		return []es.Statement{es.SQL(insert, r.Tenant, e.InterchangeId, r.Position, "in", "received", kind, e.SenderId, e.InterchangeControlNumber, e.FileSha256, e.FileName,
			e.Channel, e.Size, day(e.ReceivedDate), "")}
	case *pb.InterchangeRefused:
		return []es.Statement{es.SQL(insert, r.Tenant, e.InterchangeId, r.Position, "in", "refused", e.Kind, "", "", e.FileSha256, e.FileName, e.Channel, e.Size,
			day(e.ReceivedDate), e.Reason)}
	case *pb.SetAcknowledged, *pb.ClaimStatusReceived, *pb.EligibilityAnswered, *pb.RemittanceRead, *pb.ClaimImported, *pb.AnswersUnknown:
		return []es.Statement{es.SQL(`UPDATE interchanges SET results = results + 1 WHERE tenant_id = $1 AND interchange_id = $2`, r.Tenant, r.StreamID)}
	}
	return nil
}
