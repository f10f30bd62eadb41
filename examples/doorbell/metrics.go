package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hedgecam/hedge/pipeline"
)

// metrics returns what serves /metrics.
func (a *app) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(appMetrics{a}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
}

// appMetrics takes all figures at the moment they are asked for.
type appMetrics struct{ a *app }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("hedge_"+name, help, labels, nil)
}

var (
	mFrames      = desc("frames_total", "Pictures by what became of them: in, out, dropped (the sink was slow), lost (damaged), hidden (as a whole), failed_closed.", "kind")
	mHidden      = desc("hidden_ratio", "Share of the newest picture that is hidden.")
	mKnown       = desc("place_known_ratio", "Share of the place that was seen empty, which the fill background shows; the rest continues what is around.")
	mObjects     = desc("hidden_objects", "Objects hidden in the newest picture.", "class")
	mClosed      = desc("failed_closed", "1 while more is hidden than the policy asks.")
	mStopped     = desc("stopped", "1 while the pipeline has stopped.")
	mCamera      = desc("camera_connected", "1 while the camera sends pictures.")
	mCameraLost  = desc("camera_lost_total", "How often the camera went away.")
	mStage       = desc("stage_seconds", "Time of a stage per picture.", "stage")
	mLooks       = desc("detector_looks_total", "Looks of a network by what came of them: done, failed, dropped, skipped.", "detector", "result")
	mLookTime    = desc("detector_seconds_total", "Time that a network has looked.", "detector")
	mUnits       = desc("encoded_frames_total", "Pictures that were encoded.")
	mBytes       = desc("encoded_bytes_total", "Bytes of encoded video.")
	mEncode      = desc("encode_seconds_total", "Time of encoding.")
	mEncoder     = desc("encoder", "1 for the encoder in use.", "name")
	mSubscribers = desc("stream_subscribers", "Subscribers of the encoded video.")
	mViewers     = desc("viewers", "Browsers that watch.")
	mLost        = desc("viewer_lost_frames", "Pictures that the present viewers have lost because they were too slow.")
	mRecorders   = desc("rtsp_viewers", "Recorders that take the picture over RTSP.")
	mRecFailing  = desc("recording_failing", "1 while nothing can be recorded, such as on a full disk.")
	mRecFiles    = desc("recording_files", "Recordings that are kept.")
	mRecBytes    = desc("recording_bytes", "Bytes of the recordings that are kept.")
	mRecLost     = desc("recording_lost_frames_total", "Pictures that were not recorded because the disk was slow or could not be written.")
	mEvents      = desc("events_total", "Events.")
)

// Describe implements prometheus.Collector.
func (m appMetrics) Describe(c chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, c) }

// Collect implements prometheus.Collector.
func (m appMetrics) Collect(c chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	p, last, cam, broadcaster, live := m.a.pipe.Stats(), m.a.gate.last(), m.a.source.State(), m.a.broadcaster.Stats(), m.a.live.Stats()

	count(mFrames, float64(p.FramesIn), "in")
	count(mFrames, float64(p.FramesOut), "out")
	count(mFrames, float64(p.FramesDropped), "dropped")
	count(mFrames, float64(p.FramesLost), "lost")
	count(mFrames, float64(p.FramesHidden), "hidden")
	count(mFrames, float64(p.FramesFailedClosed), "failed_closed")
	gauge(mHidden, last.Hidden)
	gauge(mKnown, p.PlateKnown)
	gauge(mObjects, float64(last.Counts.People), "person")
	gauge(mObjects, float64(last.Counts.Faces), "face")
	gauge(mObjects, float64(last.Counts.Plates), "plate")
	gauge(mObjects, float64(last.Counts.Motion), "motion")
	gauge(mClosed, one(m.a.closedBecause() != pipeline.NoReason))
	gauge(mStopped, one(m.a.halted() != ""))
	gauge(mCamera, one(cam.Connected))
	count(mCameraLost, float64(cam.Lost))
	for _, s := range p.Stages {
		c <- prometheus.MustNewConstSummary(mStage, s.Count, s.Total.Seconds(),
			map[float64]float64{0.5: s.P50.Seconds(), 0.95: s.P95.Seconds(), 0.99: s.P99.Seconds()}, s.Name)
	}
	for _, d := range p.Detectors {
		count(mLooks, float64(d.Inferences)-float64(min(d.Failures, d.Inferences)), d.Name, "done")
		count(mLooks, float64(d.Failures), d.Name, "failed")
		count(mLooks, float64(d.Replaced), d.Name, "dropped")
		count(mLooks, float64(d.Skipped), d.Name, "skipped")
		count(mLookTime, d.Time.Seconds(), d.Name)
	}
	count(mUnits, float64(broadcaster.Frames))
	count(mBytes, float64(broadcaster.Bytes))
	count(mEncode, broadcaster.EncodeTime.Seconds())
	gauge(mEncoder, 1, m.a.encoderName())
	gauge(mSubscribers, float64(broadcaster.Subscribers))
	gauge(mViewers, float64(live.Viewers))
	gauge(mLost, float64(live.Lost))
	if m.a.rtsp != nil {
		gauge(mRecorders, float64(m.a.rtsp.Viewers()))
	}
	if m.a.recorder != nil {
		rec := m.a.recorder.Stats()
		gauge(mRecFailing, one(rec.Err != nil))
		gauge(mRecFiles, float64(rec.Files))
		gauge(mRecBytes, float64(rec.Bytes))
		count(mRecLost, float64(rec.Lost))
	}
	events, _ := m.a.log.Counts()
	count(mEvents, float64(events))
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
