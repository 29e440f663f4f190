// Package host is the few lines that every program of examples/ would write again: run parts side by side until one fails or
// the process is asked to end, and serve HTTP in between.
package host

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run runs parts side by side. SIGINT and SIGTERM end their context; so does the first part that fails. It returns that
// part's error, or nil when all ended because they were asked to.
func Run(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range parts {
		group.Go(func() error { return part(ctx) })
	}
	return group.Wait()
}

// Serve is a part that answers HTTP at addr until its context ends, and then gives requests in hand ten seconds to finish.
func Serve(addr string, h http.Handler) func(context.Context) error {
	return func(ctx context.Context) error {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}
		ended := make(chan error, 1)
		go func() {
			<-ctx.Done()
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			ended <- server.Shutdown(grace)
		}()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return <-ended
	}
}
