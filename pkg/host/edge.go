package host

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Metadata keys that the gateway sends with each call. Only who knows the internal token may send them.
const (
	metaToken       = "x-evenkeel-internal-token"
	metaTenant      = "x-evenkeel-tenant"
	metaActor       = "x-evenkeel-actor"
	metaKey         = "x-evenkeel-request-key"
	metaIfMatch     = "x-evenkeel-if-match"
	metaDryRun      = "x-evenkeel-dry-run"
	metaCorrelation = "x-evenkeel-correlation"
	metaConsistency = "x-evenkeel-consistency-token"
	// metaAnswered is in the trailer of each answer of a service: without it a call that failed did not get there, or back.
	metaAnswered = "x-evenkeel-answered"
)

// Outgoing is a context whose gRPC calls are made on behalf of the caller. tokens are consistency tokens that the answer must reflect.
func Outgoing(ctx context.Context, internalToken string, c engine.Caller, tokens ...string) context.Context {
	pairs := []string{metaToken, internalToken, metaTenant, c.Tenant.String(), metaActor, c.Actor, metaCorrelation, c.Correlation.String()}
	if c.RequestKey != "" {
		pairs = append(pairs, metaKey, c.RequestKey)
	}
	if c.IfMatch != 0 {
		pairs = append(pairs, metaIfMatch, strconv.Itoa(c.IfMatch))
	}
	if c.DryRun {
		pairs = append(pairs, metaDryRun, "true")
	}
	for _, t := range tokens {
		pairs = append(pairs, metaConsistency, t)
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

// caller is who the gateway says is calling.
func caller(ctx context.Context, internalToken string) (engine.Caller, []string, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	first := func(key string) string {
		if v := md.Get(key); len(v) > 0 {
			return v[0]
		}
		return ""
	}
	if subtle.ConstantTimeCompare([]byte(first(metaToken)), []byte(internalToken)) != 1 {
		return engine.Caller{}, nil, status.Error(codes.Unauthenticated, "the internal token is missing or wrong")
	}
	tenant, err := uuid.Parse(first(metaTenant))
	if err != nil {
		return engine.Caller{}, nil, status.Error(codes.Unauthenticated, "the tenant is missing")
	}
	c := engine.Caller{Tenant: tenant, Actor: first(metaActor), RequestKey: first(metaKey), DryRun: first(metaDryRun) == "true"}
	if v := first(metaCorrelation); v != "" {
		if c.Correlation, err = uuid.Parse(v); err != nil {
			return engine.Caller{}, nil, status.Error(codes.InvalidArgument, "the correlation id is not a UUID")
		}
	}
	if v := first(metaIfMatch); v != "" {
		if c.IfMatch, err = strconv.Atoi(v); err != nil || c.IfMatch < 1 {
			return engine.Caller{}, nil, status.Error(codes.InvalidArgument, "If-Match is not a stream version: send the number in double quotes that a read or a receipt gave")
		}
	}
	return c, md.Get(metaConsistency), nil
}

// awaitFor is how long a read waits for what its consistency tokens name.
const awaitFor = 2 * time.Second

// intercept puts the caller into the context, waits for consistency tokens, and turns refusals and faults into statuses.
func (p *Process) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if strings.HasPrefix(info.FullMethod, "/grpc.health.") {
		return next(ctx, req)
	}
	if err := grpc.SetTrailer(ctx, metadata.Pairs(metaAnswered, "true")); err != nil {
		p.log.Warn("an answer can't be marked as one", "method", info.FullMethod, "error", err)
	}
	c, tokens, err := caller(ctx, p.secret.InternalToken())
	if err != nil {
		return nil, err
	}
	ctx = engine.WithCaller(ctx, c)
	service := serviceOf(info.FullMethod)
	log := p.log.With("service", service, "method", info.FullMethod, "correlation_id", c.Correlation.String())
	if err := p.await(ctx, service, tokens); err != nil {
		return nil, Status(err, log)
	}
	answer, err := safely(ctx, req, next)
	if err == nil {
		return answer, nil
	}
	return nil, Status(err, log)
}

// reached says of a call that did not get through which service was asked. Where it was asked, and what gRPC says to it, is for the log alone.
func reached(service string, log *slog.Logger) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
		var trailer metadata.MD
		err := call(ctx, method, req, reply, conn, append(options, grpc.Trailer(&trailer))...)
		if status.Code(err) != codes.Unavailable || len(trailer.Get(metaAnswered)) > 0 {
			return err
		}
		log.WarnContext(ctx, "a service does not answer", "service", service, "method", method, "error", err)
		return status.Errorf(codes.Unavailable, "the service %s does not answer", service)
	}
}

// safely turns a panic into a fault: one call fails, the process goes on. The value is not told, it may quote what was asked.
func safely(ctx context.Context, req any, next grpc.UnaryHandler) (answer any, err error) {
	defer func() {
		if v := recover(); v != nil {
			answer, err = nil, fmt.Errorf("panic of type %T\n%s", v, debug.Stack())
		}
	}()
	return next(ctx, req)
}

// serviceOf is the service that owns a method: claims for /evenkeel.claims.v1.ClaimsService/GetClaim.
func serviceOf(method string) string {
	name, ok := strings.CutPrefix(method, "/evenkeel.")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}

// Status is what a caller is told of an error. Faults are logged here, once, and told without their text.
func Status(err error, log *slog.Logger) error {
	var refused *refuse.Error
	var stale *engine.StaleError
	var reused *engine.KeyReusedError
	switch {
	case errors.As(err, &refused):
		code := codes.FailedPrecondition
		if refused.NotFound {
			code = codes.NotFound
		} else if onlySyntax(refused.Reasons) {
			code = codes.InvalidArgument
		}
		s, detailErr := status.New(code, refused.Error()).WithDetails(&problemv1.Reasons{Reasons: refused.Reasons})
		if detailErr != nil {
			log.Error("the reasons of a refusal can't be told", "error", detailErr)
			return status.Error(codes.Internal, "internal error")
		}
		return s.Err()
	case errors.As(err, &stale):
		return status.Error(codes.Aborted, stale.Error())
	case errors.As(err, &reused):
		return status.Error(codes.AlreadyExists, reused.Error())
	case errors.Is(err, engine.ErrNoCaller):
		return status.Error(codes.Unauthenticated, err.Error())
	case errors.Is(err, eventlog.ErrConflict):
		return status.Error(codes.Unavailable, "too many changes at once: try again")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	}
	if s, ok := status.FromError(err); ok && s.Code() != codes.Unknown {
		return err
	}
	log.Error("a call failed", "error", err)
	if cantNow(err) {
		return status.Error(codes.Unavailable, "the database can't take this now: try again")
	}
	return status.Error(codes.Internal, "internal error")
}

// cantNow: PostgreSQL is away, stops, or has no room, memory or connection left. The same call may succeed once that is mended; under its key it happens once.
func cantNow(err error) bool {
	var away *pgconn.ConnectError
	var says *pgconn.PgError
	if errors.As(err, &says) {
		return strings.HasPrefix(says.Code, "53") || strings.HasPrefix(says.Code, "57P") || strings.HasPrefix(says.Code, "58")
	}
	return errors.As(err, &away)
}

func onlySyntax(reasons []*problemv1.Reason) bool {
	for _, r := range reasons {
		if !strings.HasPrefix(r.RuleId, "syntax.") && !strings.HasPrefix(r.RuleId, "request.") {
			return false
		}
	}
	return true
}

// await waits until the service has handled what the tokens name, as far as it reads those sources at all.
func (p *Process) await(ctx context.Context, service string, tokens []string) error {
	s := p.running[service]
	if s == nil || len(tokens) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, awaitFor)
	defer cancel()
	type place struct {
		source string
		slot   int16
	}
	last := map[place]int64{} // of many tokens the latest of each place
	for _, token := range tokens {
		source, slot, position, ok := parseToken(token)
		if !ok {
			return refuse.Because(refuse.Rule{ID: "request.consistency_token", Version: 1, Owner: "integrations"}, "X-Consistency-Token",
				"%q is not a token that a receipt gave", token)
		}
		last[place{source, slot}] = max(last[place{source, slot}], position)
	}
	for at, position := range last {
		c := s.consumers[at.source]
		if c == nil {
			continue
		}
		if err := c.Await(ctx, at.slot, position); errors.Is(err, context.DeadlineExceeded) {
			return status.Errorf(codes.Unavailable, "%s has not seen event %d of %s yet: try again", service, position, at.source)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func parseToken(token string) (source string, slot int16, position int64, ok bool) {
	parts := strings.Split(token, ":")
	if len(parts) != 3 {
		return "", 0, 0, false
	}
	n, err := strconv.ParseUint(parts[1], 10, 8)
	position, err2 := strconv.ParseInt(parts[2], 10, 64)
	return parts[0], int16(n), position, err == nil && err2 == nil
}
