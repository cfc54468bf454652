package pglog

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// The columns of event, in the order in which all of this file has them.
const (
	eventColumns = `position, id, tenant, stream, version, slot, previous, epoch, type, schema, occurred_on, recorded_at, actor, correlation, causation, request, trace, clear, sealed, subject`
	columnCount  = 20
)

// epoch2000 is where PostgreSQL's binary dates and instants begin.
var epoch2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// ids of a record, parsed. The unit was checked, so an error is a defect of ours.
type ids struct {
	id, tenant, correlation, causation uuid.UUID
	day                                time.Time
}

func parse(r eventlog.Record) (out ids, err error) {
	for _, f := range []struct {
		text string
		into *uuid.UUID
	}{{r.EventId, &out.id}, {r.TenantId, &out.tenant}, {r.CorrelationId, &out.correlation}, {r.CausationId, &out.causation}} {
		if f.text == "" {
			continue
		}
		if *f.into, err = uuid.Parse(f.text); err != nil {
			return out, fmt.Errorf("encode event %d: %w", r.Position, err)
		}
	}
	if out.day, err = time.Parse(time.DateOnly, r.OccurredOn); err != nil {
		return out, fmt.Errorf("encode event %d: %w", r.Position, err)
	}
	return out, nil
}

// encodeEvents is the rows as COPY … (FORMAT binary) reads them.
func encodeEvents(records []eventlog.Record) ([]byte, error) {
	n := 64
	for _, r := range records {
		n += 300 + len(r.Stream) + len(r.Type) + len(r.Trace) + len(r.Clear) + len(r.Sealed)
	}
	b := make([]byte, 0, n)
	b = append(b, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	be := binary.BigEndian
	i64 := func(v int64) { b = be.AppendUint64(be.AppendUint32(b, 8), uint64(v)) }
	i32 := func(v int32) { b = be.AppendUint32(be.AppendUint32(b, 4), uint32(v)) }
	null := func() { b = be.AppendUint32(b, ^uint32(0)) }
	raw := func(v []byte) { b = append(be.AppendUint32(b, uint32(len(v))), v...) }
	text := func(v string) { b = append(be.AppendUint32(b, uint32(len(v))), v...) }
	id := func(v uuid.UUID) {
		if v == uuid.Nil {
			null()
			return
		}
		raw(v[:])
	}
	for _, r := range records {
		p, err := parse(r)
		if err != nil {
			return nil, err
		}
		b = be.AppendUint16(b, columnCount)
		i64(r.Position)
		id(p.id)
		id(p.tenant)
		text(r.Stream)
		i32(r.Version)
		b = be.AppendUint16(be.AppendUint32(b, 2), uint16(r.Slot))
		i64(r.Previous)
		i32(r.Epoch)
		text(r.Type)
		i32(r.Schema)
		i32(int32(p.day.Sub(epoch2000).Hours() / 24))
		i64(r.RecordedAt.AsTime().Sub(epoch2000).Microseconds())
		text(r.Actor)
		id(p.correlation)
		id(p.causation)
		if r.RequestKey == "" {
			null()
		} else {
			text(r.RequestKey)
		}
		if len(r.Trace) == 0 {
			null()
		} else {
			raw(r.Trace)
		}
		raw(r.Clear)
		if len(r.Sealed) == 0 {
			null()
		} else {
			raw(r.Sealed)
		}
		if r.Subject == "" {
			null()
		} else {
			text(r.Subject)
		}
	}
	return be.AppendUint16(b, ^uint16(0)), nil
}

// optional is NULL when it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// decoder makes records of rows in binary format. It keeps what rows have in common once.
type decoder struct {
	source               string
	texts, tenants, days map[string]string // by the column's bytes
}

func (l *Log) decoder() *decoder {
	return &decoder{source: l.options.Service, texts: map[string]string{}, tenants: map[string]string{}, days: map[string]string{}}
}

func (d *decoder) decode(raw [][]byte) eventlog.Record {
	i64, i32 := d.int64, d.int32
	return &platformv1.StoredEvent{
		Source:        d.source,
		Position:      i64(raw[0]),
		EventId:       idText(raw[1]),
		TenantId:      kept(d.tenants, raw[2], idText),
		Stream:        string(raw[3]),
		Version:       i32(raw[4]),
		Slot:          int32(binary.BigEndian.Uint16(raw[5])),
		Previous:      i64(raw[6]),
		Epoch:         i32(raw[7]),
		Type:          kept(d.texts, raw[8], asText),
		Schema:        i32(raw[9]),
		OccurredOn:    kept(d.days, raw[10], dayText),
		RecordedAt:    timestamppb.New(instant(i64(raw[11]))),
		Actor:         kept(d.texts, raw[12], asText),
		CorrelationId: idText(raw[13]),
		CausationId:   idText(raw[14]),
		RequestKey:    string(raw[15]),
		Trace:         copied(raw[16]),
		Clear:         copied(raw[17]),
		Sealed:        copied(raw[18]),
		Subject:       string(raw[19]),
	}
}

func (*decoder) int64(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }
func (*decoder) int32(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }

// kept is the text of a value that many rows have.
func kept(in map[string]string, raw []byte, text func([]byte) string) string {
	if s, ok := in[string(raw)]; ok {
		return s
	}
	s := text(raw)
	in[string(raw)] = s
	return s
}

func asText(b []byte) string { return string(b) }

func idText(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	var out [36]byte
	for i, at := range [...]int{0, 9, 14, 19, 24} {
		from := [...]int{0, 4, 6, 8, 10, 16}
		hex.Encode(out[at:], b[from[i]:from[i+1]])
	}
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

func dayText(b []byte) string {
	return epoch2000.AddDate(0, 0, int(int32(binary.BigEndian.Uint32(b)))).Format(time.DateOnly)
}

// instant of a timestamptz. In two steps: a Duration holds 292 years.
func instant(micros int64) time.Time {
	return epoch2000.Add(time.Duration(micros%1e6) * time.Microsecond).Add(time.Duration(micros/1e6) * time.Second)
}

func copied(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append([]byte(nil), b...)
}
