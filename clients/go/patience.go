package countinghouse

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstWait       = 100 * time.Millisecond
	longestWait     = 5 * time.Second
	defaultPatience = 90 * time.Second
)

// Persistence says how work goes on after a lost connection.
type Persistence struct {
	Patience time.Duration                        // how long to go on without any sign of the server; 90 seconds when 0
	OnRetry  func(err *Error, wait time.Duration) // told of each lost connection and of the wait before the next try
}

// patience bounds the time without progress, and spaces the tries.
//
// Waits grow from 0.1 to 5 seconds and vary by half, so that callers who lost the same server do not come back in step;
// what the server asks for goes before. An expired token is tried again once, as there may be a new one by then.
type patience struct {
	Persistence
	progressAt time.Time
	tries      int
}

func newPatience(persistence Persistence) *patience {
	if persistence.Patience == 0 {
		persistence.Patience = defaultPatience
	}
	return &patience{Persistence: persistence, progressAt: time.Now()}
}

// progressed starts counting anew: something was received.
func (p *patience) progressed() {
	p.progressAt, p.tries = time.Now(), 0
}

// wait waits before the next try. It gives err itself when patience would run out before it, and the context's error
// when that ends first.
func (p *patience) wait(ctx context.Context, err *Error) error {
	delay := min(longestWait, firstWait<<min(p.tries, 6))
	delay = max(time.Duration(float64(delay)*(0.5+rand.Float64())), err.RetryDelay)
	if err.Reason == tokenExpired && p.tries > 0 || time.Since(p.progressAt)+delay > p.Patience {
		return err
	}
	p.tries++
	if p.OnRetry != nil {
		p.OnRetry(err, delay)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(delay):
		return nil
	}
}
