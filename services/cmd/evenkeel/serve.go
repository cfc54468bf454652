package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/telemetry"
	"github.com/evenkeel/evenkeel/services/authorization"
	"github.com/evenkeel/evenkeel/services/claims"
	"github.com/evenkeel/evenkeel/services/coding"
	"github.com/evenkeel/evenkeel/services/collections"
	"github.com/evenkeel/evenkeel/services/exchange"
	"github.com/evenkeel/evenkeel/services/intake"
	"github.com/evenkeel/evenkeel/services/payersim"
	"github.com/evenkeel/evenkeel/services/posting"
	"github.com/evenkeel/evenkeel/services/registry"
	"github.com/evenkeel/evenkeel/services/reporting"
)

// all are the services with a log or projections; the gateway is the edge and comes with its settings.
func all() []host.Service {
	return []host.Service{
		registry.New(), intake.New(), authorization.New(), coding.New(), claims.New(), posting.New(), collections.New(), exchange.New(), payersim.New(), reporting.New(),
	}
}

// stopWithin is how long a stop may take: longer than a request and a consumer's transaction.
const stopWithin = 25 * time.Second

type serveCommand struct {
	Target             []string          `help:"Services to run: registry, intake, authorization, coding, claims, posting, collections, exchange, payersim, reporting, gateway, or all." default:"all" sep:","`
	DatabaseURL        string            `help:"PostgreSQL: postgres://host:port/name. Without a user each service signs in as its own role." required:"" env:"EVENKEEL_DATABASE_URL"`
	KafkaBrokers       []string          `help:"Kafka brokers, host:port." required:"" sep:"," env:"EVENKEEL_KAFKA_BROKERS"`
	KafkaTLS           bool              `name:"kafka-tls" help:"Speak TLS to Kafka."`
	KafkaCAFile        string            `name:"kafka-ca-file" help:"Certificates of the authorities of the brokers' certificates, PEM. Default: the system's." type:"existingfile"`
	KafkaCertFile      string            `name:"kafka-cert-file" help:"Our own certificate, PEM, for brokers that ask for one." type:"existingfile"`
	KafkaKeyFile       string            `name:"kafka-key-file" help:"Its key, PEM." type:"existingfile"`
	KafkaSASLMechanism string            `name:"kafka-sasl-mechanism" help:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512: sign in with a name and a password."`
	KafkaUsername      string            `name:"kafka-username" help:"The name to sign in to Kafka with."`
	KafkaPasswordFile  string            `name:"kafka-password-file" help:"File with the password. Without it the password is taken from the variable EVENKEEL_KAFKA_PASSWORD." type:"existingfile"`
	SecretFile         string            `help:"File with the master secret: 64 hexadecimal digits." required:"" type:"existingfile" env:"EVENKEEL_SECRET_FILE"`
	GRPCAddr           string            `name:"grpc-addr" help:"Where other processes reach these services." default:":9090"`
	OpsAddr            string            `help:"Where /livez, /readyz and /metrics are." default:":9091"`
	HTTPAddr           string            `name:"http-addr" help:"Where the gateway serves REST and the console." default:":8080"`
	ServiceAddr        map[string]string `name:"service-address" help:"Addresses of services in other processes: claims=claims:9090; default=HOST:PORT with {} for the name serves the rest."`
	Secure             bool              `name:"secure-cookies" help:"The gateway is reached over TLS: session cookies travel over nothing else."`
	Partitions         int               `help:"Partitions of each topic when it is made." default:"8"`
	SandboxClock       bool              `help:"Follow the sandbox clock in the database, which POST /v1/sandbox/clock:advance moves. Never for real patients."`
	LogLevel           slog.Level        `help:"debug, info, warn or error." default:"info"`
}

// kafkaPassword is a variable and no flag: what a process was started with is there for all to read.
const kafkaPassword = "EVENKEEL_KAFKA_PASSWORD"

// kafkaSecurity is how the brokers are spoken to.
func (c serveCommand) kafkaSecurity() (kafkapubsub.Security, error) {
	s := kafkapubsub.Security{
		TLS: c.KafkaTLS, CAFile: c.KafkaCAFile, CertFile: c.KafkaCertFile, KeyFile: c.KafkaKeyFile, Mechanism: c.KafkaSASLMechanism, Username: c.KafkaUsername,
		Password: os.Getenv(kafkaPassword),
	}
	if c.KafkaPasswordFile != "" {
		text, err := os.ReadFile(c.KafkaPasswordFile)
		if err != nil {
			return s, fmt.Errorf("the password for Kafka can't be read: %w", err)
		}
		s.Password = strings.TrimRight(string(text), "\r\n")
	}
	if m := s.Mechanism; m != "" && !slices.Contains(kafkapubsub.Mechanisms, m) {
		return s, fmt.Errorf("--kafka-sasl-mechanism=%s is none that is spoken here: want one of %s", m, strings.Join(kafkapubsub.Mechanisms, ", "))
	}
	if err := s.Apply(&kafkapubsub.Config{}); err != nil {
		return s, fmt.Errorf("the settings --kafka-… do not fit: %w", err)
	}
	return s, nil
}

// Run runs the targets until it is told to stop.
func (c serveCommand) Run(ctx context.Context) (err error) {
	secret, err := host.ReadSecret(c.SecretFile)
	if err != nil {
		return err
	}
	security, err := c.kafkaSecurity()
	if err != nil {
		return err
	}
	t, err := telemetry.Start(ctx, os.Stderr, c.LogLevel, version, c.Target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Stop(context.WithoutCancel(ctx))) }()
	clock, changed, control, err := c.clock(ctx, secret, t.Log)
	if err != nil {
		return err
	}
	services, err := pick(c.Target, gatewayOptions{HTTPAddr: c.HTTPAddr, Clock: control, Secure: c.Secure})
	if err != nil {
		return err
	}
	p, err := host.Start(ctx, host.Options{
		Services: services, DatabaseURL: c.DatabaseURL, Brokers: c.KafkaBrokers, Security: security, Secret: secret, Clock: clock, ClockChanged: changed,
		Partitions: c.Partitions, GRPCAddr: c.GRPCAddr, OpsAddr: c.OpsAddr, Metrics: t.Metrics, Addresses: c.addresses(), Log: t.Log,
	})
	if err != nil {
		return err
	}
	t.Log.Info("serving", "targets", strings.Join(c.Target, ","), "database", base(c.DatabaseURL), "brokers", strings.Join(c.KafkaBrokers, ","))
	select {
	case <-ctx.Done():
	case <-p.Done():
		return p.Err()
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	return p.Stop(stopping)
}

// addresses of all services, with the default for those that are not named.
func (c serveCommand) addresses() map[string]string {
	out := map[string]string{}
	for _, s := range all() {
		if pattern := c.ServiceAddr["default"]; pattern != "" {
			out[s.Name] = strings.ReplaceAll(pattern, "{}", s.Name)
		}
	}
	for name, addr := range c.ServiceAddr {
		if name != "default" {
			out[name] = addr
		}
	}
	return out
}

// pick is the services that are named.
func pick(targets []string, g gatewayOptions) ([]host.Service, error) {
	have := map[string]host.Service{}
	var names []string
	for _, s := range append(all(), newGateway(g)) {
		have[s.Name] = s
		names = append(names, s.Name)
	}
	var out []host.Service
	for _, t := range targets {
		if t == "all" {
			return append(all(), newGateway(g)), nil
		}
		s, ok := have[t]
		if !ok {
			return nil, fmt.Errorf("there is no target %q: want all, or some of %s", t, strings.Join(names, ", "))
		}
		out = append(out, s)
	}
	return out, nil
}

type migrateCommand struct {
	DatabaseURL  string `help:"PostgreSQL, signed in as a superuser." required:"" env:"EVENKEEL_ADMIN_DATABASE_URL"`
	SecretFile   string `help:"File with the master secret: the roles' passwords are derived from it." required:"" type:"existingfile" env:"EVENKEEL_SECRET_FILE"`
	SandboxClock bool   `help:"Make the table of the sandbox clock, too."`
}

// Run migrates every service's schema.
func (c migrateCommand) Run(ctx context.Context) error {
	secret, err := host.ReadSecret(c.SecretFile)
	if err != nil {
		return err
	}
	services := append(all(), newGateway(gatewayOptions{}))
	if err := migrate(ctx, c.DatabaseURL, secret, services, c.SandboxClock); err != nil {
		return err
	}
	fmt.Printf("%d schemas are up to date.\n", len(services))
	return nil
}
