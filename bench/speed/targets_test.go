package speed

import (
	"github.com/hedgecam/hedge/bench/internal/report"
)

// target is a line of the table of what is to be reached, the metric of a
// benchmark that is held against it, and those that are told beside it.
type target struct {
	report.Target
	from, metric string
	beside       []string
}

// The benchmarks' metrics.
const (
	coreMS = "core-ms"
	times  = "x" // of what runs in turn with it: memcpy, if the benchmark does not say what
	live   = "Live/of=run"
)

var targets = []target{
	{report.Target{Name: "full-frame redaction 1080p out of memory, values taken anew", Unit: "x memcpy", Bound: 1}, "Ring/fill=frost_anew", times, []string{coreMS, "B/ns", "memcpy-B/ns", "B/cycle"}},
	{report.Target{Name: "full-frame redaction 1080p out of memory, values held", Unit: "x memcpy", Bound: 0.7}, "Ring/fill=frost_held", times, []string{coreMS, "B/ns", "memcpy-B/ns", "B/cycle"}},
	{report.Target{Name: "redaction of 5 % of 1080p, against the full frame, anew", Unit: "x", Bound: 0.1}, "Part/fill=frost_anew", times, []string{coreMS, "hidden-%"}},
	{report.Target{Name: "redaction of 5 % of 1080p, against the full frame, held", Unit: "x", Bound: 0.1}, "Part/fill=frost_held", times, []string{coreMS, "hidden-%"}},
	{report.Target{Name: "background fill of full 1080p, with a plate", Unit: "x memcpy", Bound: 2}, "Background/hidden=100%", times, []string{coreMS}},
	{report.Target{Name: "background fill of 20 % of 1080p, with a plate and soft edges", Unit: "x memcpy", Bound: 0.6}, "Background/hidden=20%", times, []string{coreMS, "hidden-%"}},
	{report.Target{Name: "background fill of 5 % of 1080p, against the full frame", Unit: "x", Bound: 0.1}, "Background/hidden=5%", "x-whole", []string{coreMS, "hidden-%"}},
	{report.Target{Name: "background plate, upkeep of 1080p", Unit: "ms", Bound: 0.5}, "Upkeep/size=1080p", coreMS, []string{"allocs/op"}},
	{report.Target{Name: "against I420 -> BGR -> GaussianBlur 99 -> I420", Unit: "x faster", Least: true, Bound: 15, Note: "the whole frame anew"}, "Blur/by=OpenCV", times, []string{coreMS}},
	{report.Target{Name: "preparation of all inputs, 1080p", Unit: "ms", Bound: 1, Note: "one read of the frame, one tensor of 640x384 that the three networks share"},
		"Prepare/size=1080p/input=640x384", coreMS, nil},
	{report.Target{Name: "preparation of all inputs, 1080p, against memcpy", Unit: "x memcpy", Bound: 4}, "Prepare/size=1080p/input=640x384", times, nil},
	{report.Target{Name: "preparation of all inputs against three separate chains", Unit: "x faster", Least: true, Bound: 5,
		Note: "BGR, resize, letterbox, float, planes with OpenCV for each network"}, "Chains/by=OpenCV", times, []string{coreMS}},
	{report.Target{Name: "tracker, growth from 1 to 500 objects", Unit: "exponent", Bound: 1.2,
		Note: "1 is linear; the bound is this program's reading of near-linear"}, "growth: tracker", times, nil},
	{report.Target{Name: "motion, 1080p frame", Unit: "ms", Bound: 0.5, Note: "on the networks' small copy, 4 walkers"}, "Motion/size=360p/walkers=4", coreMS, nil},
	{report.Target{Name: "all but networks and codecs, per frame", Unit: "ms of core time", Bound: 4,
		Note: "all of this process but the detectors' threads, with reading the frame from the decoder's pipe and writing it to the encoder's; filling a tensor counts with its network"},
		live, "rest-ms", []string{"process-ms", "detector-ms"}},
	{report.Target{Name: "all but networks and codecs, per frame, where no pipe is involved", Unit: "ms of core time", Bound: 2.5,
		Note: "a camera in memory, a copy of each picture, and no encoder"},
		"InProcess/of=run", "rest-ms", []string{"process-ms", "detector-ms"}},
	{report.Target{Name: "1080p30 live to H.264 superfast, networks on: rate", Unit: "frames/s", Least: true, Bound: 29.9}, live, "frames/s", []string{"s"}},
	{report.Target{Name: "1080p30 live to H.264 superfast, networks on: p99 frame time", Unit: "ms", Bound: 33,
		Note: "from the frame that ends the look-ahead coming in to the end of the write"}, live, "p99-ms", []string{"p50-ms", "p95-ms", "max-ms"}},
	{report.Target{Name: "1080p30 live to H.264 superfast, networks on: drops", Unit: "frames", Bound: 0}, live, "drops", []string{"s", "drops-in-warm-up"}},
	{report.Target{Name: "detector core time against all networks on every frame, fixed camera", Unit: "x less", Least: true, Bound: 8,
		Note: "what it costs in misses is bench/leak's to say"}, live, "x-less-inference", []string{"detector-ms", "failed-closed"}},
	{report.Target{Name: "recording of 1080p30 in two passes, networks on every 3rd picture", Unit: "frames/s", Least: true, Bound: 25}, "Twice/networks=every_3rd_picture", "frames/s", []string{"core-ms/frame"}},
	{report.Target{Name: "recording of 1080p30 in two passes, networks on every picture", Unit: "frames/s", Least: true, Bound: 12}, "Twice/networks=every_picture", "frames/s", []string{"core-ms/frame"}},
	{report.Target{Name: "MJPEG 1080p to 4:2:0 against mediadevices' decoder", Unit: "x faster", Least: true, Bound: 3}, "MJPEG/by=libjpeg-turbo", "x-faster", []string{coreMS}},
	{report.Target{Name: "MJPEG 1080p of a camera into a frame of the pipeline", Unit: "ms", Bound: 6}, "MJPEG/by=libjpeg-turbo_into_a_pipeline's_buffer", coreMS, nil},
	{report.Target{Name: "MJPEG 1080p to 4:2:0, garbage", Unit: "bytes a frame", Bound: 0}, "MJPEG/by=libjpeg-turbo", "B/op", nil},
	{report.Target{Name: "steady state, Go allocations", Unit: "a frame", Bound: 0.1,
		Note: "the bound leaves room for what the Go runtime itself allocates now and then"}, live, "allocs/frame", []string{"collections"}},
	{report.Target{Name: "steady state, goroutines left after Close", Unit: "goroutines", Bound: 0}, live, "goroutines-left", nil},
	{report.Target{Name: "steady state, native objects left after Close", Unit: "objects", Bound: 0, Note: "sessions, tensors and run options of detect/onnx"}, live, "native-left", nil},
	{report.Target{Name: "steady state, growth of the live heap", Unit: "%", Bound: 1,
		Note: "after a collection, between the end of the warm-up and the end of the run"}, live, "heap-growth-%", []string{"heap-MB", "s"}},
}

// sections are the tables, by the benchmark's name, in the order of the page.
var sections = []struct{ name, title, note string }{
	{"Memcpy", "memcpy of the frame (4:2:0)", ""},
	{"Ring", "Redaction of 1080p out of memory", "x is of a memcpy of the frame, B/ns the frame's bytes in its time, B/cycle the same by the clock that the system names. Both go round a ring of pictures that is twice as large as the last-level cache."},
	{"Carry", "A 1080p picture from one process to another", "Both ends in one process, a thread each; writes of 32 KiB, as ffmpeg's muxers make them. x is of a memcpy of the frame. Shared memory is copied in, for no decoder or encoder that ffmpeg runs writes there or reads from there by itself."},
	{"Redact", "Redaction, by fill, size and share hidden", "x is of a memcpy of the frame."},
	{"Part", "Redaction of a part of 1080p", "x is of the same for the full frame."},
	{"Background", "The place as a fill, 1080p", "x is of a memcpy of the frame, x-whole of the same for the full frame. The plate is known everywhere; hidden-% is without soft edges."},
	{"Upkeep", "The background plate's upkeep, per frame", "An inference at every tenth frame. x is of a memcpy of the frame."},
	{"Blur", "The common way to blur a 1080p frame", "I420, BGR, GaussianBlur 99, I420. x is of redaction of the whole frame, frost anew."},
	{"Prepare", "Preparation of the networks' input, by size", "x is of a memcpy of the frame."},
	{"Chains", "Preparation of three networks' input, 1080p to 640x384", "x is of one scaled picture and one shared tensor."},
	{"Track", "Tracker by objects, per inference and frame", ""},
	{"Motion", "Motion, per frame", "x is of a memcpy of 1080p."},
	{"View", "Watch for a moved camera, per frame", "x is of a memcpy of 1080p."},
	{"MJPEG", "MJPEG 1080p to 4:2:0", "A generated street, 4:2:0, quality 85. B/op is garbage."},
	{"Network", "Networks, one inference", "Filling the tensor and decoding the output included, scaling the frame not. x is of one thread. Wall times depend on what else runs on the machine."},
	{"Live/stage", "Live 1080p30: stages, wall ms a frame", "With the warm-up."},
	{"Live/detector", "Live 1080p30: detectors", ""},
	{"Live/of", "Live 1080p30: the run", "Core times are of all threads, a frame."},
	{"InProcess", "Live 1080p30 without pipes: the run", "Core times are of all threads, a frame. A camera in memory, and no encoder."},
	{"Twice", "A recording of 1080p30 in two passes", "8 s, H.264 to H.264 veryfast. Rates are wall time and depend on what else runs on the machine; core time is with ffmpeg's."},
	{"File", "A file of 1080p30, H.264 to H.264 superfast", "60 frames, medians of 3 turns, core time with ffmpeg's. x is wall time against ffmpeg alone. Rates are wall time and depend on what else runs on the machine."},
}

const about = "Core times unless said otherwise, medians; ratios (x) are medians of ratios taken in turn. The live run took %d s."

func newTargets() (list []report.Target) {
	for i := range targets {
		list = append(list, targets[i].Target)
	}
	return list
}

func newResult(seconds int) *report.Result {
	r := report.New(newTargets())
	r.LiveSeconds = seconds
	if seconds < 10 {
		r.Note("A run of less than 10 s only shows that everything works, the live run and the file run at 640x360: its numbers say little.")
	}
	return r
}
