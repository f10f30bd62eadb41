package review

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hedgecam/hedge/examples/internal/archive/queue"
)

// Metrics returns what serves /metrics.
func (d *Desk) Metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(figures{d})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
}

// figures takes all figures at the moment they are asked for.
type figures struct{ d *Desk }

var (
	mRecordings = prometheus.NewDesc("hedge_archive_recordings", "Recordings by stage and status.", []string{"stage", "status"}, nil)
	mWorkers    = prometheus.NewDesc("hedge_archive_workers", "Workers that are not silent, by whether they work or wait.", []string{"state"}, nil)
	mHour       = prometheus.NewDesc("hedge_archive_outputs_per_hour", "Outputs that come in an hour, by the last ten minutes.", nil, nil)
	mLeft       = prometheus.NewDesc("hedge_archive_left_seconds", "Time until all that waits is done; 0 if it is not known.", nil, nil)
	mFailed     = prometheus.NewDesc("hedge_archive_failed_total", "Recordings that were given up since the server began.", nil, nil)
	mUp         = prometheus.NewDesc("hedge_archive_queue_up", "1 while the queue's server answers.", nil, nil)
)

// Describe implements prometheus.Collector.
func (f figures) Describe(c chan<- *prometheus.Desc) { prometheus.DescribeByCollect(f, c) }

// Collect implements prometheus.Collector.
func (f figures) Collect(c chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	o, err := f.d.Overview(ctx)
	up, busy := 1.0, 0
	if err != nil {
		up = 0
	}
	for _, w := range o.Workers {
		if w.Recording != "" {
			busy++
		}
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	for _, s := range []queue.Stage{queue.Look, queue.Inspect, queue.Render} {
		for _, t := range []queue.Status{queue.Waiting, queue.Running, queue.Done, queue.Failed, queue.Cancelled} {
			gauge(mRecordings, float64(f.d.counts[kind{s, t}]), string(s), string(t))
		}
	}
	gauge(mWorkers, float64(busy), "working")
	gauge(mWorkers, float64(len(o.Workers)-busy), "waiting")
	gauge(mHour, o.PerHour)
	gauge(mLeft, o.Left)
	gauge(mUp, up)
	c <- prometheus.MustNewConstMetric(mFailed, prometheus.CounterValue, float64(f.d.failed))
}
