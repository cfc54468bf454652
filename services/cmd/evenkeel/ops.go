package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/evenkeel/evenkeel/pkg/consume"
	"github.com/evenkeel/evenkeel/pkg/datadir"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/seal"
)

type resetCommand struct {
	DataDir string `help:"The data folder." env:"EVENKEEL_DATA_DIR"`
	Yes     bool   `help:"Don't ask." short:"y"`
}

// Run empties the data folder.
func (c resetCommand) Run() (err error) {
	if c.DataDir == "" {
		if c.DataDir, err = datadir.Default(); err != nil {
			return err
		}
	}
	confirm := func() error {
		if c.Yes {
			return nil
		}
		fmt.Printf("This deletes everything in %s. Type yes to go on: ", c.DataDir)
		var answer string
		if _, err := fmt.Scanln(&answer); err != nil || answer != "yes" {
			return errors.New("nothing was deleted")
		}
		return nil
	}
	if err := datadir.Reset(c.DataDir, confirm); err != nil {
		return err
	}
	fmt.Printf("%s is empty.\n", c.DataDir)
	return nil
}

type eventsCommand struct {
	database
	Service string `arg:"" help:"Whose log."`
	Stream  string `help:"Only this stream: kind/id. One that the log has not is an error."`
	After   int64  `help:"Only events after this position."`
	Limit   int    `help:"At most so many." default:"50"`
	JSON    bool   `help:"One JSON object a line, with the clear part of each event."`
}

// Validate says what no page of events has.
func (c eventsCommand) Validate() error {
	if c.Limit < 1 || c.After < 0 {
		return fmt.Errorf("--limit is at least 1 and --after at least 0: %d and %d were asked for", c.Limit, c.After)
	}
	return nil
}

// Run prints events without what is sealed.
func (c eventsCommand) Run(ctx context.Context) error {
	log, _, err := c.open(ctx, c.Service)
	if err != nil {
		return err
	}
	defer log.Close()
	t := newTable("position", "recorded at", "stream", "v", "type", "actor")
	after, shown := c.After, 0
	for shown < c.Limit {
		records, err := log.Read(ctx, after, 1000)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			after = r.Position
			if c.Stream != "" && r.Stream != c.Stream || shown >= c.Limit {
				continue
			}
			shown++
			if c.JSON {
				if err := printJSON(r); err != nil {
					return err
				}
				continue
			}
			t.AppendRow(table.Row{r.Position, r.RecordedAt.AsTime().Format(time.RFC3339), r.Stream, r.Version, short(r.Type), r.Actor})
		}
	}
	if shown == 0 && c.Stream != "" {
		near, err := streamsLike(ctx, log, c.Stream)
		if err != nil {
			return err
		}
		if !slices.Contains(near, c.Stream) {
			return noStream(c.Service, c.Stream, near)
		}
	}
	if !c.JSON {
		t.Render()
	}
	return nil
}

// nearMost is how many streams are named where one was not found.
const nearMost = 3

// streamsLike are the streams of a log that somebody may mean by a name: the one of that name alone, else at most nearMost whose ids begin as its id does, or where one id holds the other.
func streamsLike(ctx context.Context, log eventlog.Log, name string) (near []string, err error) {
	id := name[strings.IndexByte(name, '/')+1:]
	for after := int64(0); ; {
		records, err := log.Read(ctx, after, 5000)
		if err != nil {
			return nil, err
		}
		if len(records) == 0 {
			return near, nil
		}
		for _, r := range records {
			after = r.Position
			if r.Stream == name {
				return []string{name}, nil
			}
			_, have, _ := strings.Cut(r.Stream, "/")
			if len(near) < nearMost && alike(id, have) && !slices.Contains(near, r.Stream) {
				near = append(near, r.Stream)
			}
		}
	}
}

// alike says whether one id holds the other, or both begin alike for half of what was asked.
func alike(asked, have string) bool {
	asked, have = strings.ToLower(asked), strings.ToLower(have)
	if len(asked) < 4 {
		return asked != "" && asked == have
	}
	start := 0
	for start < min(len(asked), len(have)) && asked[start] == have[start] {
		start++
	}
	prefix := strings.IndexByte(asked, '_') + 1 // that both are claims says nothing
	return strings.Contains(have, asked) || len(have) > 3 && strings.Contains(asked, have) || 2*(start-prefix) > len(asked)-prefix
}

// noStream says that a log has no such stream, and which it has that are named alike.
func noStream(service, name string, near []string) error {
	said := fmt.Sprintf("the log of %s has no stream %s", service, name)
	if !strings.Contains(name, "/") {
		said += ": a stream is named kind/id"
	}
	if len(near) > 0 {
		said += ": did you mean " + strings.Join(near, ", ") + "?"
	}
	return errors.New(said)
}

func printJSON(r eventlog.Record) error {
	m, err := seal.Clear(r.Type, r.Clear)
	if err != nil {
		return err
	}
	body, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("print event %s: %w", r.EventId, err)
	}
	fmt.Printf(`{"position":%d,"event_id":%q,"stream":%q,"version":%d,"type":%q,"recorded_at":%q,"actor":%q,"sealed":%t,"event":%s}`+"\n",
		r.Position, r.EventId, r.Stream, r.Version, r.Type, r.RecordedAt.AsTime().Format(time.RFC3339Nano), r.Actor, len(r.Sealed) > 0, body)
	return nil
}

func short(typ string) string { return typ[strings.LastIndexByte(typ, '.')+1:] }

func newTable(head ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(os.Stdout)
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.AppendHeader(table.Row(head))
	return t
}

type dlqCommand struct {
	List    dlqList    `cmd:"" help:"List parked events: dead ones, those that wait, and those behind them."`
	Show    dlqShow    `cmd:"" help:"Show one with its error and the clear part of the event."`
	Retry   dlqRetry   `cmd:"" help:"Handle one again, and then those behind it."`
	Discard dlqDiscard `cmd:"" help:"Give one up for good; those behind it are handled."`
}

type dlqList struct {
	database
	Service string `help:"Only this consumer."`
	State   string `help:"dead, waiting, behind or ready." enum:"dead,waiting,behind,ready,all" default:"all"`
}

// Run lists parked events.
func (c dlqList) Run(ctx context.Context) error {
	t := newTable("consumer", "source", "position", "state", "type", "tries", "why")
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 7, WidthMax: whyWidth, WidthMaxEnforcer: func(s string, n int) string { return text.Snip(s, n, "…") }}})
	n := 0
	for _, s := range all() {
		if c.Service != "" && s.Name != c.Service {
			continue
		}
		log, _, err := c.open(ctx, s.Name)
		if err != nil {
			return err
		}
		state := c.State
		if state == "all" {
			state = ""
		}
		parked, err := log.ListParked(ctx, s.Name, state, 1000)
		log.Close()
		if err != nil {
			return err
		}
		for _, p := range parked {
			why := p.Error
			if p.State == eventlog.Waiting {
				why = "waits for " + p.WaitsFor.Mirror + " " + p.WaitsFor.Key
			}
			t.AppendRow(table.Row{p.Consumer, p.Record.Source, p.Record.Position, p.State, short(p.Record.Type), p.Attempts, strings.Join(strings.Fields(why), " ")})
			n++
		}
	}
	if n == 0 {
		fmt.Println("Nothing is parked: every event that arrived was handled.")
		return nil
	}
	t.Render()
	fmt.Println("`evenkeel dlq show CONSUMER SOURCE POSITION` says all of one.")
	return nil
}

// whyWidth is what is left of a line of 120 characters.
const whyWidth = 44

// parkedEvent names one parked event.
type parkedEvent struct {
	database
	Consumer string `arg:"" help:"The consumer."`
	Source   string `arg:"" help:"The source."`
	Position int64  `arg:"" help:"The position."`
}

func (c parkedEvent) find(ctx context.Context, do func(eventlog.Log, eventlog.Parked) error) error {
	log, _, err := c.open(ctx, c.Consumer)
	if err != nil {
		return err
	}
	defer log.Close()
	parked, err := log.ListParked(ctx, c.Consumer, "", 100_000)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(parked, func(p eventlog.Parked) bool { return p.Record.Source == c.Source && p.Record.Position == c.Position })
	if i < 0 {
		return fmt.Errorf("%s has no parked event %d of %s: see `evenkeel dlq list`", c.Consumer, c.Position, c.Source)
	}
	return do(log, parked[i])
}

type dlqShow struct{ parkedEvent }

// Run shows one parked event.
func (c dlqShow) Run(ctx context.Context) error {
	return c.find(ctx, func(_ eventlog.Log, p eventlog.Parked) error {
		fmt.Printf("stream    %s\nstate     %s\nsince     %s\ntries     %d\nwaits for %s %s\nerror     %s\n", p.Record.Stream, p.State, p.Since.UTC().Format(time.RFC3339), p.Attempts,
			p.WaitsFor.Mirror, p.WaitsFor.Key, p.Error)
		return printJSON(p.Record)
	})
}

type dlqRetry struct{ parkedEvent }

// Run makes a parked event ready; the running service handles it within a second.
func (c dlqRetry) Run(ctx context.Context) error {
	return c.find(ctx, func(log eventlog.Log, p eventlog.Parked) error {
		if err := consume.Retry(ctx, log, p); err != nil {
			return err
		}
		fmt.Println("It will be handled again at once, if the service runs.")
		return nil
	})
}

type dlqDiscard struct{ parkedEvent }

// Run gives a parked event up.
func (c dlqDiscard) Run(ctx context.Context) error {
	return c.find(ctx, func(log eventlog.Log, p eventlog.Parked) error {
		if err := consume.Discard(ctx, log, p); err != nil {
			return err
		}
		fmt.Println("It is gone; the log it came from still has it.")
		return nil
	})
}

type verifyCommand struct{ database }

// Run checks that every log is dense and chained, that every event opens, and that the books balance.
func (c verifyCommand) Run(ctx context.Context) error {
	t := newTable("service", "events", "streams", "finding")
	bad := 0
	for _, s := range all() {
		events, streams, findings, err := c.log(ctx, s.Name)
		if err != nil {
			return err
		}
		if len(findings) == 0 {
			findings = []string{"ok"}
		} else {
			bad += len(findings)
		}
		t.AppendRow(table.Row{s.Name, events, streams, strings.Join(findings, "\n")})
	}
	t.Render()
	if err := verifyBooks(ctx, c.database); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d findings", bad)
	}
	return nil
}

// log checks the log of one service.
func (c verifyCommand) log(ctx context.Context, service string) (events, streams int, findings []string, err error) {
	log, secret, err := c.open(ctx, service)
	if err != nil {
		return 0, 0, nil, err
	}
	defer log.Close()
	vault, err := host.Vault(ctx, log.Pool(), secret, time.Now)
	if err != nil {
		return 0, 0, nil, fmt.Errorf("%s: %w", service, err)
	}
	return verifyLog(ctx, log, seal.NewCodec(vault))
}

// verifyLog reads a whole log: positions without a gap, versions of each stream without a gap, the chain of each slot, types that this binary can decode, sealed parts that open
// or whose key was destroyed.
func verifyLog(ctx context.Context, log eventlog.Log, codec *seal.Codec) (events, streams int, findings []string, err error) {
	versions := map[eventlog.StreamKey]int32{}
	var slots [es.Slots]int64
	last := int64(0)
	say := func(format string, args ...any) {
		if len(findings) < 20 {
			findings = append(findings, fmt.Sprintf(format, args...))
		}
	}
	for {
		records, err := log.Read(ctx, last, 5000)
		if err != nil {
			return 0, 0, nil, err
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			events++
			if r.Position != last+1 {
				say("position %d follows %d", r.Position, last)
			}
			last = r.Position
			key := eventlog.KeyOf(r)
			if key.Tenant == uuid.Nil {
				say("position %d has no tenant", r.Position)
			}
			if r.Version != versions[key]+1 {
				say("%s: version %d follows %d", r.Stream, r.Version, versions[key])
			}
			versions[key] = r.Version
			if want := es.Slot(key.Tenant, r.Stream); int16(r.Slot) != want {
				say("position %d is in slot %d, not %d", r.Position, r.Slot, want)
			} else if r.Previous != slots[want] {
				say("position %d names %d as the one before it in its slot, it is %d", r.Position, r.Previous, slots[want])
			}
			slots[r.Slot&(es.Slots-1)] = r.Position
			if _, err := engine.Open(ctx, codec, r); err != nil {
				if ctx.Err() != nil {
					return 0, 0, nil, ctx.Err()
				}
				say("position %d: %v", r.Position, err)
			}
		}
	}
	head, err := log.Head(ctx)
	if err != nil {
		return 0, 0, nil, err
	}
	if head.Position != last {
		say("the log's head says %d, its last event is %d", head.Position, last)
	}
	return events, len(versions), findings, nil
}
