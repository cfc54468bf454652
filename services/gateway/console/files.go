package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
)

// excerpt is a run of segments of a file, with the bytes that were asked for marked.
type excerpt struct {
	Segments   []segmentLine
	Shredded   bool
	From, Thru int64
}

type segmentLine struct {
	Offset             int64
	Before, Hit, After string
	Marked, First      bool
}

// around is how many bytes of context an excerpt has on each side.
const around = 180

// window is how much of a file one page shows; the service gives at most 65536 bytes at once.
const window = 16_000

// excerpt reads the segments around bytes of a file.
func (c *console) excerpt(ctx context.Context, interchange string, offset, length int64) (*excerpt, error) {
	from := max(0, offset-around)
	return c.segments(ctx, interchange, from, offset+min(length, window)+around-from, offset, length)
}

// segments reads a run of bytes and splits it where segments end. The file's header says how: its last byte ends a segment.
func (c *console) segments(ctx context.Context, interchange string, from, size, offset, length int64) (*excerpt, error) {
	x, err := c.exchange.GetInterchange(ctx, &exchangev1.GetInterchangeRequest{InterchangeId: interchange})
	if err != nil {
		return nil, fmt.Errorf("read the file's data: %w", err)
	}
	return c.segmentsOf(ctx, x, from, size, offset, length)
}

func (c *console) segmentsOf(ctx context.Context, x *exchangev1.Interchange, from, size, offset, length int64) (*excerpt, error) {
	read := func(from, size int64) (*exchangev1.GetSegmentsResponse, error) {
		a, err := c.exchange.GetSegments(ctx, &exchangev1.GetSegmentsRequest{InterchangeId: x.InterchangeId, Offset: from, Length: min(size, x.Size-from)})
		if err != nil {
			return nil, fmt.Errorf("read bytes of the file: %w", err)
		}
		return a, nil
	}
	const isa = 106 // bytes of the header: the last one ends a segment
	end := "~"
	if x.Size >= isa {
		head, err := read(0, isa)
		if err != nil {
			return nil, err
		}
		if len(head.Text) == isa && strings.HasPrefix(head.Text, "ISA") {
			end = head.Text[isa-1:]
		}
	}
	if from >= x.Size {
		return nil, invalid("The file has %s bytes; byte %s is not in it.", grouped(x.Size), grouped(from))
	}
	a, err := read(from, size)
	if err != nil {
		return nil, err
	}
	return cut(a.Text, end, from, x.Size, offset, length, a.Shredded), nil
}

// cut splits bytes that begin at from into segments. What is cut off at either side is left out, so that each line is a whole segment.
func cut(s, end string, from, size, offset, length int64, shredded bool) *excerpt {
	e := &excerpt{Shredded: shredded, From: from, Thru: from + int64(len(s))}
	at, first := from, true
	if from > 0 {
		i := strings.Index(s, end)
		if i < 0 {
			return e
		}
		at += int64(i + 1)
		s = s[i+1:]
	}
	for s != "" {
		i := strings.Index(s, end)
		whole := s
		if i >= 0 {
			whole = s[:i+1]
		} else if e.Thru < size {
			break // goes on behind what was read
		}
		text := strings.TrimLeft(whole, "\r\n") // ends of lines between segments are nobody's
		start := at + int64(len(whole)-len(text))
		line := segmentLine{Offset: start, Before: text}
		if hit, thru := max(start, offset), min(start+int64(len(text)), offset+length); length > 0 && hit < thru {
			line.Before, line.Hit, line.After = text[:hit-start], text[hit-start:thru-start], text[thru-start:]
			line.Marked, line.First = true, first
			first = false
		}
		if text != "" {
			e.Segments = append(e.Segments, line)
		}
		at += int64(len(whole))
		s = s[len(whole):]
	}
	return e
}

func (c *console) interchanges(ctx context.Context, r *request) (*page, error) {
	direction := r.q.Get("direction")
	f := r.filter(choice{Name: "direction", Label: "Direction", Value: direction, Options: []option{{"", "In and out"}, {"in", "In"}, {"out", "Out"}}})
	if len(f.Wrong) > 0 {
		return c.unasked(r, &page{Nav: "files"}, "Files", f)
	}
	all, next, over, err := walk(r, false, func(size int32, token string) ([]*exchangev1.Interchange, string, error) {
		a, err := c.exchange.ListInterchanges(ctx, &exchangev1.ListInterchangesRequest{PageSize: size, PageToken: token, Direction: direction})
		if err != nil {
			return nil, "", fmt.Errorf("list files: %w", err)
		}
		return a.Interchanges, a.NextPageToken, nil
	})
	if err != nil {
		return nil, err
	}
	t := &table{
		Caption: "Files", Note: "newest first; led to: how many facts were read from it",
		Columns: []column{{Name: "File"}, {Name: "Kind"}, {Name: "Direction"}, {Name: "Day"}, {Name: "Partner"}, {Name: "Control number"}, {Name: "State"}, {Name: "Led to", Num: true}, {Name: "Bytes", Num: true}},
		Empty:   "No file has gone out or come in.", Todo: "Claims are sent by themselves when they are clean; files of others are brought in with evenkeel import FILE or through the API.",
	}
	for _, x := range all {
		name := id(x.InterchangeId, "/interchanges/"+x.InterchangeId)
		if x.FileName != "" {
			name = entitled(x.FileName, "/interchanges/"+x.InterchangeId)
			name.Title = x.InterchangeId
		}
		state := badge(x.Status)
		state.Title = x.Reason
		t.Rows = append(t.Rows, row{Cells: []cell{
			name, kindOfFile(x.Kind), text(words(x.Direction)), day(x.Date), orDash(x.PartnerId), orDash(x.InterchangeControlNumber), state, count(int64(x.ResultsCount), ""), count(x.Size, ""),
		}})
	}
	r.sorted(t, next, over, "Kind", "Day", "Partner", "State", "Led to", "Bytes")
	d := &rows{Title: "Files", Tables: []*table{t}, Filter: f}
	return c.list(r, &page{Nav: "files"}, d, "files")
}

// fileKinds are the kinds of files in our own words.
var fileKinds = map[string]string{
	"835": "remittance", "837P": "claims", "837I": "institutional claims", "837D": "dental claims", "999": "was it readable", "TA1": "did it arrive", "277CA": "were claims taken", "270": "eligibility question",
	"271": "eligibility answer", "276": "status question", "277": "status answer", "278": "authorization", "834": "enrollment", "820": "premium payment",
}

// kindOfFile is a kind with what it is.
func kindOfFile(kind string) cell {
	c := text(kind)
	if w := fileKinds[kind]; w != "" {
		c.Text = kind + " " + w
	}
	return c
}

type filePage struct {
	ID       string
	Facts    []fact
	Reason   string
	Findings *table
	Results  *table
	Bytes    *excerpt
	Closed   string
	Earlier  string
	Later    string
}

func (c *console) interchange(ctx context.Context, r *request) (*page, error) {
	x, err := c.exchange.GetInterchange(ctx, &exchangev1.GetInterchangeRequest{InterchangeId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the file's data: %w", err)
	}
	offset, length := number(r.q.Get("offset")), number(r.q.Get("length"))
	if offset < 0 || length < 0 {
		return nil, invalid("offset and length in the address are numbers of bytes.")
	}
	d := &filePage{ID: x.InterchangeId, Reason: x.Reason}
	d.Facts = []fact{
		{"State", badge(x.Status)}, {"Kind", kindOfFile(x.Kind)}, {"Direction", text(words(x.Direction))}, {"Day", day(x.Date)}, {"Partner", orDash(x.PartnerId)}, {"Control number (ISA13)", orDash(x.InterchangeControlNumber)},
		{"Name", orDash(x.FileName)}, {"Came by", orDash(words(x.Channel))}, {"Size", text(grouped(x.Size) + " bytes")}, {"SHA-256", cell{Text: head(x.FileSha256, 16), Title: x.FileSha256, Class: "id"}},
	}
	d.Findings = &table{Caption: "Findings", Columns: []column{{Name: "What"}, {Name: "Code"}, {Name: "Weight"}, {Name: "Segment"}, {Name: "At byte", Num: true}}, Empty: "Nothing is wrong with the file."}
	for _, f := range x.Findings {
		at := count(f.Offset, fileAt(x.InterchangeId, f.Offset, f.Length))
		d.Findings.Rows = append(d.Findings.Rows, row{Cells: []cell{text(f.Message), text(f.Code), badge(f.Severity), text(f.Segment), at}})
	}
	d.Results = &table{Caption: "What it led to", Columns: []column{{Name: "Fact"}, {Name: "About"}, {Name: "State"}, {Name: "Set"}, {Name: "At byte", Num: true}}, Empty: "It has led to nothing yet."}
	for _, f := range x.Results {
		d.Results.Rows = append(d.Results.Rows, row{Cells: []cell{text(eventName(f.Type)), r.about(f.SubjectId), badge(f.Status), text(f.SetControlNumber), count(f.Offset, fileAt(x.InterchangeId, f.Offset, f.Length))}})
	}
	if !r.may(readsFiles) {
		d.Closed = "Your role does not read files, since they name patients."
	} else if x.Size > 0 {
		from := number(r.q.Get("from"))
		if r.q.Get("from") == "" {
			from = max(0, offset-window/4)
		}
		if from < 0 {
			return nil, invalid("from in the address is a number of bytes.")
		}
		d.Bytes, err = c.segmentsOf(ctx, x, from, window, offset, length)
		if status.Code(err) == codes.NotFound {
			d.Closed = "Its bytes are not kept, since it was refused: mend what the findings name and send it again."
		} else if err != nil {
			return nil, err
		}
	}
	if from := number(r.q.Get("from")); d.Bytes != nil {
		if r.q.Get("from") == "" {
			from = max(0, offset-window/4)
		}
		if from > 0 {
			d.Earlier = r.here("from", strconv.FormatInt(max(0, from-window+around), 10)) + "#bytes"
		}
		if d.Bytes.Thru < x.Size {
			d.Later = r.here("from", strconv.FormatInt(d.Bytes.Thru-around, 10)) + "#bytes"
		}
	}
	return &page{Title: strings.Join(strings.Fields("File "+x.Kind+" "+x.InterchangeControlNumber), " "), Nav: "files", Crumbs: []crumb{{"Files", "/interchanges"}}, Body: "file", Data: d}, nil
}

// about is a link to what an id stands for, by its prefix.
func (r *request) about(s string) cell {
	c := id(s, "")
	switch prefix, _, _ := strings.Cut(s, "_"); prefix {
	case "clm":
		c.Href = "/claims/" + s
	case "rem", "rmt":
		c.Href = r.remittance(s)
	case "enc":
		c.Href = r.to("/accounts/" + s)
	}
	return c
}

func head(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// number reads a count of bytes; -1 for what is none, 0 for nothing.
func number(s string) int64 {
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
