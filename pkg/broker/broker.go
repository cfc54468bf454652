package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	retentionBytes = 64 << 20 // of one partition; the relay publishes again what a late consumer misses
	segmentBytes   = 8 << 20  // retention drops whole segments, and a loaded segment is held in memory
)

// Options of a broker. The zero value keeps everything in memory and takes any free port.
type Options struct {
	// DataDir keeps the log over restarts; made if it is missing. Empty: in memory only.
	DataDir string
	// Port on 127.0.0.1. 0: the port kept in DataDir, or at its first start any free one.
	Port int
	// RetentionEvery is how often old segments are dropped; 0 means each minute.
	RetentionEvery time.Duration
	// Log gets one line at the start and the broker's own warnings. Nil: silent.
	Log *slog.Logger
}

// Broker is a running broker. Close it before the process ends, or its last writes are read back
// from the page cache at the next start (slower, nothing is lost).
type Broker struct {
	addr    string
	cluster *kfake.Cluster
	stop    context.CancelFunc
	retired sync.WaitGroup
}

// Start opens the data directory, takes the port and serves. ctx bounds the start alone.
// A port that is in use is an error that says which one and what to do.
func Start(ctx context.Context, o Options) (*Broker, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start embedded broker: %w", err)
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	// The port is taken before the directory is touched: who holds the port holds the directory.
	listener, err := listen(o)
	if err != nil {
		return nil, err
	}
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("evenkeel-embedded"),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }),
		kfake.BrokerConfigs(map[string]string{
			"log.retention.bytes": strconv.Itoa(retentionBytes),
			"log.segment.bytes":   strconv.Itoa(segmentBytes),
		}),
		kfake.WithLogger(kfakeLog{log}),
	}
	if o.DataDir != "" {
		options = append(options, kfake.DataDir(filepath.Join(o.DataDir, "log")))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start embedded broker in %s: %w", o.DataDir, err), closed(listener.Close()))
	}

	every := o.RetentionEvery
	if every <= 0 {
		every = time.Minute
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	b := &Broker{addr: listener.Addr().String(), cluster: cluster, stop: stop}
	b.retired.Go(func() { b.applyRetention(running, every) })
	log.Warn("embedded broker started: one node without replication, not for production; use Apache Kafka there",
		"address", b.addr, "data_dir", o.DataDir)
	return b, nil
}

// Addr is the host:port that clients connect to.
func (b *Broker) Addr() string { return b.addr }

// Close stops serving and writes what is held in memory to the data directory. A second call does nothing.
func (b *Broker) Close() error {
	b.stop()
	b.retired.Wait()
	b.cluster.Close()
	return nil
}

func (b *Broker) applyRetention(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			b.cluster.ApplyRetention()
		}
	}
}

// listen takes the port that was asked for, or the one kept in the data directory, or a free one
// that is kept from then on.
func listen(o Options) (net.Listener, error) {
	port, keep := o.Port, ""
	if o.DataDir != "" {
		if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
			return nil, fmt.Errorf("start embedded broker: make its data directory: %w", err)
		}
		keep = filepath.Join(o.DataDir, "port")
	}
	if port == 0 && keep != "" {
		kept, err := keptPort(keep)
		if err != nil {
			return nil, err
		}
		port = kept
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && o.Port == 0:
		return nil, fmt.Errorf("start embedded broker: %s, the address kept in %s, is in use: stop the program that holds it, or remove that file to get another port", address, keep)
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("start embedded broker: %s is in use: stop the program that holds it, or choose another port", address)
	case err != nil:
		return nil, fmt.Errorf("start embedded broker: listen on %s: %w", address, err)
	}
	if keep != "" {
		taken := listener.Addr().(*net.TCPAddr).Port
		if err := os.WriteFile(keep, []byte(strconv.Itoa(taken)+"\n"), 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("start embedded broker: keep its port: %w", err), listener.Close())
		}
	}
	return listener, nil
}

// keptPort reads the port of earlier starts; 0 if there was none.
func keptPort(path string) (int, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("start embedded broker: read its port: %w", err)
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Errorf("start embedded broker: %s holds %q, want a port from 1 to 65535: remove the file to get a new port", path, text)
	}
	return port, nil
}

// closed drops the error of closing what is closed already.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// kfakeLog passes warnings and errors on; kfake's info lines are one per request.
type kfakeLog struct{ log *slog.Logger }

func (l kfakeLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("embedded broker: " + fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("embedded broker: " + fmt.Sprintf(format, args...))
	}
}
