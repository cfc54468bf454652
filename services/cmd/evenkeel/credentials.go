package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/evenkeel/evenkeel/services/gateway/session"
)

type keyCommand struct {
	Create keyCreate `cmd:"" help:"Make an API key. It is shown once."`
}

type keyCreate struct {
	database
	Tenant uuid.UUID `help:"Whose key." default:"0e7e0000-0000-8000-8000-000000000001"`
	Name   string    `arg:"" help:"What it is for: it shows in histories as key:NAME. One line, at most 100 characters."`
	Role   string    `help:"What it may do: admin, biller, finance, clinician_system or read_only. Importing claims needs clinician_system, biller or admin; importing remittances biller or admin." default:"clinician_system"`
}

// Run prints a new key, alone on its line.
func (c keyCreate) Run(ctx context.Context) error {
	return c.store(ctx, func(s *session.Store) error {
		key, err := s.NewKey(ctx, c.Tenant, c.Name, c.Role)
		if err != nil {
			return err
		}
		fmt.Println(key)
		return nil
	})
}

type userCommand struct {
	Create userCreate `cmd:"" help:"Make a user. Without --password a random one is made and shown once."`
}

type userCreate struct {
	database
	Tenant   uuid.UUID `help:"Whose user." default:"0e7e0000-0000-8000-8000-000000000001"`
	Email    string    `arg:"" help:"To sign in with."`
	Name     string    `help:"As pages show it." default:"User"`
	Role     string    `help:"admin, biller, finance, clinician_system or read_only." default:"biller"`
	Password string    `help:"12 to 72 characters." env:"EVENKEEL_PASSWORD"`
}

// Run makes a user and prints the password.
func (c userCreate) Run(ctx context.Context) error {
	return c.store(ctx, func(s *session.Store) error {
		password, err := s.NewUser(ctx, c.Tenant, c.Email, c.Name, c.Role, c.Password)
		if err != nil {
			return err
		}
		if c.Password == "" {
			fmt.Println(password)
		}
		return nil
	})
}

// store opens the gateway's credentials.
func (d database) store(ctx context.Context, do func(*session.Store) error) error {
	log, _, err := d.open(ctx, "gateway")
	if err != nil {
		return err
	}
	defer log.Close()
	return do(&session.Store{DB: log.Pool(), Clock: time.Now})
}

type statusCommand struct {
	client
	JSON bool `help:"As the gateway says it."`
}

// Run shows how far each service has come. One that does not answer is an error, told behind what the others say.
func (c statusCommand) Run(ctx context.Context) error {
	url, key, err := c.resolve(ctx)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/v1/platform/status", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	answer, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
	if err != nil {
		return fmt.Errorf("the platform does not answer at %s: %w", url, err)
	}
	defer answer.Body.Close()
	var body struct {
		Detail   string
		Silent   []struct{ Service, Detail string }
		Services []struct {
			Service         string
			LogPosition     int64 `json:"log_position,string"`
			RelayedPosition int64 `json:"relayed_position,string"`
			TimersDue       int64 `json:"timers_due,string"`
			ParkedWaiting   int64 `json:"parked_waiting,string"`
			ParkedDead      int64 `json:"parked_dead,string"`
			Consumers       []struct {
				Source          string
				HandledPosition int64 `json:"handled_position,string"`
				SeenPosition    int64 `json:"seen_position,string"`
			}
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return fmt.Errorf("the platform's answer can't be read: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, body.Detail)
	}
	var silent []error
	for _, s := range body.Silent {
		silent = append(silent, errors.New(s.Detail))
	}
	if c.JSON {
		out, err := json.MarshalIndent(body.Services, "", "  ")
		if err != nil {
			return err
		}
		fmt.Println(string(out))
		return errors.Join(silent...)
	}
	t := newTable("service", "events", "published", "behind", "timers due", "waiting", "dead")
	var events, late, due, waiting, dead int64
	for _, s := range body.Services {
		var behind []string
		for _, c := range s.Consumers {
			if c.HandledPosition < c.SeenPosition {
				behind = append(behind, fmt.Sprintf("%s %d", c.Source, c.SeenPosition-c.HandledPosition))
				late += c.SeenPosition - c.HandledPosition
			}
		}
		t.AppendRow(table.Row{s.Service, s.LogPosition, s.RelayedPosition, strings.Join(behind, ", "), s.TimersDue, s.ParkedWaiting, s.ParkedDead})
		events, due, waiting, dead = events+s.LogPosition, due+s.TimersDue, waiting+s.ParkedWaiting, dead+s.ParkedDead
	}
	t.AppendFooter(table.Row{"total", events, "", late, due, waiting, dead})
	t.Render()
	if dead > 0 {
		fmt.Printf("%d events could not be handled: `evenkeel dlq list` says which and why.\n", dead)
	}
	return errors.Join(silent...)
}
