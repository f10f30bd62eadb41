package doorbell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/program"
	"github.com/hedgecam/hedge/bench/internal/report"
)

const (
	lookAhead = 8                              // the doorbell's default, in frames
	ahead     = lookAhead * 1000.0 / frameRate // ms
)

// The lines of the table of what is to be reached.
const (
	goalIn = iota
	goalOut
	goalDropped
	goalLost
	goalClosed
	goalViewed
	goalSent
	goalPullErrors
	goalPullMissing
	goalDecode
	goalRecorded
	goalRecordErrors
	goalFirst
	goalPage
	goalLatency
	goalCount
)

var targets = [goalCount]report.Target{
	goalIn:           {Name: "frames in", Unit: "frames/s", Least: true, Bound: 29.9},
	goalOut:          {Name: "frames out", Unit: "frames/s", Least: true, Bound: 29.9},
	goalDropped:      {Name: "frames dropped", Unit: "frames"},
	goalLost:         {Name: "frames lost (damaged)", Unit: "frames"},
	goalClosed:       {Name: "frames failed closed", Unit: "frames", Note: "in which more was hidden than the policy asks"},
	goalViewed:       {Name: "page, watched from elsewhere: frames received", Unit: "frames/s", Least: true, Bound: 29.9},
	goalSent:         {Name: "page, watched from elsewhere: latency added until a frame has come, without the look-ahead", Unit: "ms", Bound: 100},
	goalPullErrors:   {Name: "RTSP: errors of ffmpeg while pulling over TCP", Unit: "lines"},
	goalPullMissing:  {Name: "RTSP: packets missing of the frames put out", Unit: "frames"},
	goalDecode:       {Name: "RTSP: errors of ffmpeg decoding all that came", Unit: "lines"},
	goalRecorded:     {Name: "recorded: missing of the frames encoded", Unit: "frames"},
	goalRecordErrors: {Name: "recorded: errors of ffprobe in all segments", Unit: "lines"},
	goalFirst:        {Name: "page in Chromium on the same cores: first picture", Unit: "s", Bound: 0.4},
	goalPage:         {Name: "page in Chromium on the same cores: frames decoded", Unit: "frames/s", Least: true, Bound: 29.9},
	goalLatency:      {Name: "page in Chromium on the same cores: latency added from the camera to the screen, without the look-ahead", Unit: "ms", Bound: 100},
}

// about says in the page how it was measured.
const about = "Page, RTSP and recording at once for %d s, and then for at most 20 s more with the page in Chromium on the same cores."

// evaluate fills in the rows.
func (b *bench) evaluate(ctx context.Context) error {
	r := b.report
	w := &b.alone
	span := w.seconds()
	r.Measured(goalIn, w.frames("in")/span, "%.0f in %.1f s, %dx%d", w.frames("in"), span, b.loop.size.X, b.loop.size.Y)
	r.Measured(goalOut, w.frames("out")/span, "%.0f", w.frames("out"))
	for goal, kind := range map[int]string{goalDropped: "dropped", goalLost: "lost", goalClosed: "failed_closed"} {
		r.Measured(goal, w.frames(kind), "%.0f before, in the warm-up; %.0f later, with Chromium", w.start.metrics.Frames(kind), b.last.Frames(kind)-w.end.metrics.Frames(kind))
	}
	b.evaluateViewed()
	if err := errors.Join(b.evaluatePulled(ctx), b.evaluateRecorded(ctx)); err != nil {
		return err
	}
	b.evaluatePage()
	b.tables()
	told := b.events()
	for _, what := range slices.Sorted(maps.Keys(told)) {
		r.Note("The doorbell told of this %d times, in the warm-up included: %s.", told[what], what)
	}
	return nil
}

func (b *bench) evaluateViewed() {
	r, w := b.report, &b.alone
	x, y := w.start.counted, w.end.counted
	r.Measured(goalViewed, float64(y.frames-x.frames)/w.seconds(), "%d by WebRTC, %d packets lost, %d came late; by a client that decodes nothing: for this machine a browser on another one", y.frames-x.frames, y.lost-x.lost, y.late-x.late)
	var late []float64
	for _, a := range b.viewer.whole[x.whole:y.whole] {
		late = append(late, a.at-a.stamp-w.began(a.at)-ahead)
	}
	slices.Sort(late)
	if len(late) == 0 {
		r.Skip("no frame came whole", goalSent)
		return
	}
	r.Measured(goalSent, median(late), "median of %d; 95 %% below %.0f ms; by the time stamps of the program itself; the camera's pictures came within %.0f ms of their time", len(late), late[len(late)*95/100], w.wavering())
}

func (b *bench) evaluatePulled(ctx context.Context) error {
	r := b.report
	p, err := probe(ctx, b.puller.path)
	if err != nil {
		return err
	}
	problems, err := decode(ctx, b.puller.path)
	if err != nil {
		return err
	}
	// A gap in the time stamps is a frame that did not come, or one that the
	// pipeline had dropped before. ffmpeg pulled from before the beginning until
	// after the end, so it has at least what went out in between.
	gone := func(m program.Metrics) float64 { return m.Frames("dropped") + m.Frames("lost") }
	out := b.alone.frames("out")
	missing := max(0, float64(p.missing)-gone(b.last)+gone(b.before), out-float64(p.packets))
	r.Measured(goalPullMissing, missing, "%d packets in %.1f s over TCP; %.0f frames went out in the %d s of them that were measured", p.packets, p.seconds, out, b.seconds)
	complaints := append(b.puller.Err.Lines(), p.errors...)
	r.Measured(goalPullErrors, float64(len(complaints)), "%s", first(complaints))
	r.Measured(goalDecode, float64(len(problems)), "%s", report.Join("after the run", first(problems)))
	return nil
}

func (b *bench) evaluateRecorded(ctx context.Context) error {
	p, files, err := b.recordings(ctx)
	if err != nil {
		return err
	}
	// What was encoded after the last look at the figures comes on top.
	encoded := b.last["hedge_encoded_frames_total"]
	b.report.Measured(goalRecorded, max(0, encoded-float64(p.packets)), "%d frames, %.1f s in %d segments; %.0f had been encoded a moment before the end", p.packets, p.seconds, files, encoded)
	b.report.Measured(goalRecordErrors, float64(len(p.errors)), "%s", first(p.errors))
	return nil
}

func (b *bench) evaluatePage() {
	r := b.report
	if b.watcher == nil {
		r.Skip(b.nobody.Error(), goalFirst, goalPage, goalLatency)
		return
	}
	var each []string
	for _, d := range b.first {
		each = append(each, fmt.Sprintf("%.2f", d.Seconds()))
	}
	r.Measured(goalFirst, slices.Max(b.first).Seconds(), "the worst of %s s, from opening the address on; RTSP and recording went on", strings.Join(each, ", "))
	w := &b.shared
	x, y := w.start.received, w.end.received
	r.Measured(goalPage, (y.Decoded-x.Decoded)/((y.At-x.At)/1000), "in %.1f s, in which %.0f frames went out and %.0f were dropped: %.0f received, %.0f decoded, %.0f dropped, %.0f freezes, %.0f packets lost; decoding %.1f ms a frame, waiting in the browser's buffer %.0f ms",
		w.seconds(), w.frames("out"), w.frames("dropped"), y.Received-x.Received, y.Decoded-x.Decoded, y.Dropped-x.Dropped, y.Freezes-x.Freezes, y.Packets-x.Packets,
		1000*(y.Decoding-x.Decoding)/max(1, y.Decoded-x.Decoded), 1000*(y.Waiting-x.Waiting)/max(1, y.Emitted-x.Emitted))
	late, unread := b.latency()
	if len(late) == 0 {
		r.Skip(fmt.Sprintf("none of %d pictures had a counter that could be read", unread), goalLatency)
		return
	}
	r.Measured(goalLatency, median(late)-ahead, "median; 95 %% below %.0f ms, by the counter in %d pictures of the page, %d unread; the look-ahead is %.0f ms more; the page says %s; the camera's pictures came within %.0f ms of their time",
		late[len(late)*95/100]-ahead, len(late), unread, ahead, b.pictures.Latency, w.wavering())
}

// tables tell where the time went.
func (b *bench) tables() {
	t := report.Table{Title: "Core time", Columns: []string{"who", "cores", "ms a frame", "with Chromium: cores", "ms a frame"},
		Note: "The doorbell's children are the ffmpeg that decodes the camera. Chromium decodes and shows the picture without help of a GPU; ffmpeg on RTSP only writes down packets. In a home browser and recorder run on other machines."}
	line := func(who string, of func(cores) time.Duration) {
		cells := []any{who}
		for _, w := range []*window{&b.alone, &b.shared} {
			d := (of(w.end.cores) - of(w.start.cores)).Seconds()
			if d <= 0 || w.frames("out") == 0 {
				cells = append(cells, "-", "-")
				continue
			}
			cells = append(cells, d/w.seconds(), 1000*d/w.frames("out"))
		}
		t.Line(cells...)
	}
	line("doorbell", func(c cores) time.Duration { return c.doorbell })
	line("its children", func(c cores) time.Duration { return c.children })
	line("Chromium", func(c cores) time.Duration { return c.browser })
	line("this program, which watches", func(c cores) time.Duration { return c.self })
	line("ffmpeg on RTSP", func(c cores) time.Duration { return c.puller })
	b.report.Tables = append(b.report.Tables, t, b.stages())
}

// stages tells what the doorbell says of itself.
func (b *bench) stages() report.Table {
	w := &b.alone
	t := report.Table{Title: "Stages of the doorbell", Columns: []string{"stage", "mean ms", "p99 ms", "times"},
		Note: "Wall times by its own figures, without Chromium; p99 since its start. Writing holds encoding."}
	for _, name := range []string{"inspect", "decide", "redact", "write"} {
		if n := w.grown(`hedge_stage_seconds_count{stage="` + name + `"}`); n > 0 {
			t.Line(name, 1000*w.grown(`hedge_stage_seconds_sum{stage="`+name+`"}`)/n, 1000*w.end.metrics[`hedge_stage_seconds{quantile="0.99", stage="`+name+`"}`], fmt.Sprintf("%.0f", n))
		}
	}
	if n := w.grown("hedge_encoded_frames_total"); n > 0 {
		t.Line("encode", 1000*w.grown("hedge_encode_seconds_total")/n, "-", fmt.Sprintf("%.0f", n))
	}
	var inferring float64
	for name := range w.end.metrics {
		if strings.HasPrefix(name, "hedge_detector_seconds_total") {
			inferring += w.grown(name)
		}
	}
	if n := w.end.metrics.Inferences() - w.start.metrics.Inferences(); n > 0 {
		t.Line("inference of a network", 1000*inferring/n, "-", fmt.Sprintf("%.0f", n))
	}
	return t
}

// first returns the first of some lines.
func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}
