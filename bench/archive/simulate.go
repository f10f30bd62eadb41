package main

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hedgecam/hedge/bench/internal/report"
)

// costs are what a simulation counts with.
type costs struct {
	// queue is the core time of the server for one recording, and work that of a worker,
	// which has one core, for a minute of 30 pictures a second, in both passes.
	queue, work time.Duration
	// bytes of a recording are read twice and written once over a link of so many a second.
	bytes, link float64
	// lost is the share of jobs whose worker is lost, and silent how long that goes unnoticed.
	lost   float64
	silent time.Duration
}

// defaults are for what was not measured in this run.
var defaults = costs{queue: 10 * time.Millisecond, work: 2 * time.Minute, bytes: 60 << 20, link: 1 << 30 / 8, lost: 0.01, silent: 30 * time.Second}

// event is the end of a worker's job.
type event struct {
	at time.Duration
	ok bool
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(v any)        { *e = append(*e, v.(event)) }
func (e *events) Pop() any {
	old := *e
	v := old[len(old)-1]
	*e = old[:len(old)-1]
	return v
}

// outcome is what a simulation has come to.
type outcome struct {
	took                  time.Duration
	workers, server, link float64 // shares of the time in which they were busy, 0..1
	repeated              int
}

// simulate has so many workers work on so many recordings of a minute, which are all there
// at the beginning. The server and the link serve one after the other.
func simulate(c costs, workers, jobs int) (o outcome) {
	chance := rand.New(rand.NewPCG(1, uint64(workers))) //nolint:gosec // the same again, and no secret
	move := time.Duration(3 * c.bytes / c.link * float64(time.Second))
	var running events
	var now, server, link, busy time.Duration // server and link: until when they are busy
	starts := 0
	for waiting, idle := jobs, workers; waiting > 0 || len(running) > 0; {
		for ; waiting > 0 && idle > 0; waiting, idle = waiting-1, idle-1 {
			starts++
			server = max(server, now) + c.queue
			link = max(link, server) + move
			work := time.Duration(float64(c.work) * (0.5 + chance.Float64()))
			end := event{link + work, true}
			if chance.Float64() < c.lost {
				end = event{link + work/2 + c.silent, false}
			}
			busy += work
			heap.Push(&running, end)
		}
		e := heap.Pop(&running).(event)
		now = e.at
		idle++ // in place of one that was lost comes another
		if !e.ok {
			waiting++
			o.repeated++
		}
	}
	o.took = now
	o.workers = busy.Seconds() / now.Seconds() / float64(workers)
	o.server = float64(starts) * c.queue.Seconds() / now.Seconds()
	o.link = float64(starts) * move.Seconds() / now.Seconds()
	return o
}

// simulated is the table of simulations.
func simulated(c costs) report.Table {
	t := report.Table{Title: "Many workers, simulated", Columns: []string{"workers", "time to finish", "repeated", "workers busy", "server busy", "link busy", "bottleneck"},
		About: fmt.Sprintf("10,000 recordings of one minute (60 MB), all there at the beginning. A recording takes one worker %v (half to one and a half times that, evenly), the server %v of one core, "+
			"and the link of one Gbit/s three times its bytes; %.0f %% of the jobs lose their worker, which is noticed after %v.", c.work.Round(time.Second), c.queue.Round(100*time.Microsecond), 100*c.lost, c.silent)}
	for _, n := range []int{1, 10, 100, 300, 1000} {
		o := simulate(c, n, 10000)
		neck := "workers"
		if o.link > 0.9 && o.link > o.server {
			neck = "the link to the store"
		} else if o.server > 0.9 {
			neck = "the queue's server"
		}
		t.Line(fmt.Sprint(n), o.took.Round(time.Minute).String(), fmt.Sprint(o.repeated), 100*o.workers, 100*o.server, 100*o.link, neck)
	}
	return t
}
