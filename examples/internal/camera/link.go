package camera

import (
	"context"
	"errors"
	"time"
)

// link makes the contexts for the reads of one connection. They end with the
// caller's, with the source's life, and when no good picture came for too long.
// As long as the caller's context stays the same so does the link's, so that a
// read allocates nothing.
type link struct {
	outer  <-chan struct{} // Done of the caller's context
	ctx    context.Context
	cancel context.CancelCauseFunc
	unlife func() bool
	timer  *time.Timer
	until  time.Time // when the camera counts as silent; zero after a good picture
}

// begin returns the context for a read that begins now.
func (l *link) begin(ctx, life context.Context, timeout time.Duration) context.Context {
	if l.ctx == nil || l.outer != ctx.Done() || l.ctx.Err() != nil {
		l.cut()
		l.outer = ctx.Done()
		inner, cancel := context.WithCancelCause(ctx)
		l.ctx, l.cancel = inner, cancel
		l.unlife = context.AfterFunc(life, func() { cancel(ErrClosed) })
		l.timer = time.AfterFunc(timeout, func() { cancel(ErrSilent) })
	}
	if l.until.IsZero() {
		l.until = time.Now().Add(timeout)
	}
	l.timer.Reset(time.Until(l.until))
	return l.ctx
}

// pause ends the watch after a read, and reports whether the camera was silent
// for too long.
func (l *link) pause() bool {
	l.timer.Stop()
	return errors.Is(context.Cause(l.ctx), ErrSilent)
}

// feed tells of a good picture.
func (l *link) feed() { l.until = time.Time{} }

// cut ends the link of a connection that is no more.
func (l *link) cut() {
	if l.ctx == nil {
		return
	}
	l.timer.Stop()
	l.unlife()
	l.cancel(ErrClosed)
	*l = link{}
}
