package main

import (
	"context"
	"encoding/json"
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

	"github.com/nats-io/nats.go"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/statefile"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
)

// serve is the role serve.
func serve(ctx context.Context, f *flags, stdout, stderr io.Writer) (err error) {
	if f.demo {
		if err := forDemo(ctx, f, stderr); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return usage("-dir: %w", err)
	}
	lock, err := alone(f)
	if err != nil {
		return err
	}
	defer lock()
	log := slog.New(slog.NewTextHandler(stderr, nil))
	key, err := store.Key(f.in(keyFile), true)
	if err != nil {
		return err
	}
	nc, address, end, err := hub(ctx, f, log)
	if err != nil {
		return err
	}
	defer end()
	a, err := connected(ctx, f, nc, key)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := repair(ctx, a.Archive, log); err != nil {
		return err
	}
	if err := announce(f, address); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.in(settingsFile))) }()
	_, _ = fmt.Fprintf(stdout, "the queue: %s\n", address) // nowhere else to say it

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	var workErr, demoErr error
	var p *desk
	if f.http != "none" {
		if p, err = newDesk(ctx, f, a.Archive, log); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "the page: %s\nonly to watch: %s\n", p.address(p.token), p.address(p.watch)) // likewise
		defer p.Close()
	}
	if f.workers == 0 {
		f.confineProcess(log)
	} else {
		parts.Go(func() {
			defer cancel()
			workErr = workers(ctx, f, a.Archive, log)
		})
	}
	if f.demo {
		parts.Go(func() {
			defer cancel()
			demoErr = (&demo{a.Archive, f, p, stdout}).run(ctx)
		})
	}
	<-ctx.Done()
	parts.Wait()
	return errors.Join(workErr, demoErr)
}

// repair mends what an earlier serve has left half done.
func repair(ctx context.Context, a *archive.Archive, log *slog.Logger) error {
	n, err := a.Queue.Repair(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		log.Info("jobs that were lost are filed again", "jobs", n)
	}
	if err := a.Tidy(ctx); err != nil {
		log.Warn("what should be removed is left", "reason", err)
	}
	return nil
}

// alone keeps a second serve from the same folder.
func alone(f *flags) (free func(), err error) {
	lock, err := os.OpenFile(f.in("serve.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, usage("-dir: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(usage("another `archive serve` is at work in %s: end it, or name another -dir", f.dir), lock.Close())
	}
	return func() { _ = lock.Close() }, nil
}

// hub starts the embedded server, or connects to one elsewhere.
func hub(ctx context.Context, f *flags, log *slog.Logger) (nc *nats.Conn, address string, end func(), err error) {
	if f.nats != "" {
		token, err := statefile.Secret(f.in(tokenFile))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, "", nil, err
		}
		nc, err = queue.Connect(ctx, f.nats, strings.TrimSpace(string(token)), "archive serve")
		return nc, f.nats, func() {}, err
	}
	token, err := webaccess.KeptToken(f.in(tokenFile), func(text string) { log.Warn(text) })
	if err != nil {
		return nil, "", nil, err
	}
	host, port, err := listenOn(f.listen)
	if err != nil {
		return nil, "", nil, err
	}
	s, err := queue.Serve(queue.ServerConfig{Dir: f.in("nats"), Host: host, Port: port, Token: token, Log: log})
	if err != nil {
		return nil, "", nil, err
	}
	nc, err = s.Connect("archive serve")
	if err != nil {
		s.Close()
		return nil, "", nil, err
	}
	return nc, s.Address(), s.Close, nil
}

// listenOn reads an address to listen on.
func listenOn(s string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(s)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if err != nil || host == "" || port < 0 || port > 65535 {
		return "", 0, usage("-listen %s: must be HOST:PORT, such as 127.0.0.1:4222", s)
	}
	if port == 0 {
		port = -1 // any
	}
	return host, port, nil
}

// announce writes where the archive is served, for the commands beside it.
func announce(f *flags, address string) error {
	s := settings{NATS: address, Store: f.store, S3: f.s3}
	if f.store == storeDir {
		files, err := filepath.Abs(f.folder())
		if err != nil {
			return err
		}
		s.Files = files
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return statefile.State(f.in(settingsFile), append(data, '\n'), 0o600)
}
