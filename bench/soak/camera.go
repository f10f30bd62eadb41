package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// trouble is what a camera on the network does to who watches it.
type trouble struct {
	refuses bool          // nobody gets through
	silent  bool          // nothing is sent
	late    time.Duration // the longest time by which a picture is late
	damage  float64       // share of pictures that are damaged
}

// camera is a camera on this machine's own network: JPEGs over HTTP.
type camera struct {
	*httptest.Server
	pictures [][]byte
	every    time.Duration

	mu      sync.Mutex
	trouble trouble
	chance  *rand.Rand
}

func openCamera(pictures [][]byte, rate float64, seed uint64) *camera {
	c := &camera{pictures: pictures, every: time.Duration(float64(time.Second) / rate), chance: chance(seed, 1)}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	return c
}

// cut breaks off all connections, in the midst of a picture as likely as not.
func (c *camera) cut() { c.CloseClientConnections() }

func (c *camera) close() error {
	c.cut()
	c.Close()
	return nil
}

// set makes trouble, or ends it.
func (c *camera) set(t trouble) {
	c.mu.Lock()
	c.trouble = t
	c.mu.Unlock()
	if t.refuses {
		c.cut()
	}
}

// next says what becomes of the next picture.
func (c *camera) next() (t trouble, late time.Duration, damaged bool, at, with int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t = c.trouble
	if t.late > 0 {
		late = time.Duration(c.chance.Int64N(int64(t.late)))
	}
	return t, late, c.chance.Float64() < t.damage, c.chance.IntN(1 << 30), c.chance.IntN(256)
}

// serve sends pictures for as long as there is somebody.
func (c *camera) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for n := 0; ; n++ {
		t, late, damaged, at, with := c.next()
		if t.refuses {
			panic(http.ErrAbortHandler) // the connection ends without an answer
		}
		if !t.silent {
			picture := c.pictures[n%len(c.pictures)]
			if damaged {
				picture = damage(picture, at, with)
			}
			if wait(r.Context(), late) != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(picture), picture); err != nil {
				return
			}
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// damage returns a copy of a JPEG that lacks its end, or in which a few bytes are others.
func damage(picture []byte, at, with int) []byte {
	at %= len(picture)
	bad := append([]byte(nil), picture...)
	if with&1 == 0 {
		return bad[:at]
	}
	for i := at; i < min(at+64, len(bad)); i += 7 {
		bad[i] ^= byte(with)
	}
	return bad
}

// wait waits, but no longer than ctx.
func wait(ctx context.Context, d time.Duration) error {
	sleep, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-sleep.Done()
	return ctx.Err()
}
