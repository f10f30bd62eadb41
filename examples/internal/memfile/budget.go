package memfile

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Budget is how much memory recordings may take together. Its methods may be called by any
// goroutine.
type Budget struct {
	limit int64
	left  *semaphore.Weighted
}

// NewBudget returns a budget of so many bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit, semaphore.NewWeighted(limit)} }

// Take takes so many bytes. If they are not there it calls waits and waits for them, in the
// order of the calls. The caller calls free once. The error is a *TooLargeError, if there
// are never so many, or ctx's.
func (b *Budget) Take(ctx context.Context, size int64, waits func()) (free func(), err error) {
	if size > b.limit {
		return nil, &TooLargeError{size, b.limit}
	}
	if !b.left.TryAcquire(size) {
		waits()
		if err := b.left.Acquire(ctx, size); err != nil {
			return nil, err
		}
	}
	return func() { b.left.Release(size) }, nil
}
