package rest

import (
	"context"
	"log/slog"
	"time"
)

// log writes one line per try, without bodies and queries.
func (c *Client) log(ctx context.Context, r *run) {
	if !c.config.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := r.attrs()
	if r.failure != nil {
		attrs = append(attrs, slog.String("failure", r.failure.what()))
	}
	c.config.Logger.LogAttrs(ctx, slog.LevelDebug, "http try", attrs...)
}

// warn tells the operator what the host does to us.
func (c *Client) warn(ctx context.Context, message string, r *run, more ...slog.Attr) {
	c.config.Logger.LogAttrs(ctx, slog.LevelWarn, message, append(r.attrs(), more...)...)
}

func (r *run) attrs() []slog.Attr {
	status := 0
	switch {
	case r.response != nil:
		status = r.response.Status
	case r.failure != nil:
		status = r.failure.Status
	}
	return []slog.Attr{
		slog.String("system", r.client.config.System), slog.String("op", r.call.Op), slog.String("method", r.call.Method),
		slog.String("route", r.call.Route), slog.Int("status", status), slog.Duration("duration", time.Since(r.began)),
		slog.Int("attempt", r.attempts),
	}
}
