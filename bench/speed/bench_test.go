package speed

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/frame"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/internal/pixel"
	"github.com/hedgecam/hedge/models"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
	"github.com/hedgecam/hedge/pipeline/mediadev/mjpeg"
	"github.com/hedgecam/hedge/redact"
)

var (
	flagSeconds  = flag.Int("seconds", 1, "length of the live run, 1 to 3600")
	flagClip     = flag.String("clip", "", "a clip of a fixed camera with people in it (default: vtest.avi as `make setup` fetches it)")
	flagNetworks = flag.String("networks", networks.HedgeN, "which networks the live run and the file run use: "+networks.Names())
	flagPublish  = flag.Bool("publish", false, "replace last.json and last.md")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *flagSeconds < 1 || *flagSeconds > 3600 {
		fmt.Fprintf(os.Stderr, "-seconds %d: must be 1 to 3600\n", *flagSeconds)
		os.Exit(2)
	}
	if !*flagPublish {
		os.Exit(m.Run())
	}
	r := newResult(*flagSeconds)
	code := m.Run()
	if code != 0 {
		r.Note("A benchmark failed.")
	}
	said.fill(r)
	r.Machine.End()
	page := r.Markdown("bench/speed", fmt.Sprintf(about, *flagSeconds))
	if err := errors.Join(command.WriteJSON("last.json", r), os.WriteFile("last.md", []byte(page), 0o644)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const frameStep = time.Second / 30

func BenchmarkMemcpy(b *testing.B) {
	bySize(b, func(b *testing.B, size string) {
		src, dst := noise(sizes[size], 1), noise(sizes[size], 2)
		took := inTurn(b, does(func() { copyPicture(dst, src) }))
		n, v := float64(bytesOf(src)), median(took[0])
		tell(b, v, coreMS)
		tell(b, n/1e6, "MB")
		tell(b, n/v/1e6, "GB/s")
	})
}

// kind is one way to redact.
type kind struct {
	name string
	fill redact.Fill
	hold time.Duration
}

var (
	kinds  = []kind{{"frost_anew", redact.Frost, 0}, {"frost_held", redact.Frost, time.Hour}, {"solid", redact.Solid, 0}}
	shares = []float64{0, 0.05, 0.25, 0.5, 1}
)

// redaction returns a function that redacts pic, and one that returns the share
// it hides.
func redaction(tb testing.TB, pic *image.YCbCr, k kind, share float64) (run func() error, hides func() float64) {
	tb.Helper()
	p := &redact.Policy{Version: 1, Outside: redact.Outside{Fill: k.fill}, Found: redact.Found{Fill: redact.Solid}}
	var objects []detect.Object
	if share < 1 {
		p.Outside.Hide = redact.HideDetected
		objects = people(pic.Rect.Size(), share)
		if k.fill == redact.Frost {
			// Frost takes no samples under what was found: masks in its place.
			p.Mask, objects = masks(objects, pic.Rect.Size()), nil
		}
	}
	o := redact.DefaultOptions()
	o.Margin, o.FrostHold = 0, k.hold
	r, err := redact.New(p, pic.Rect.Size(), o)
	if err != nil {
		tb.Fatal(err)
	}
	var at time.Duration
	hidden := 0.0
	return func() error {
		f, err := r.Redact(pic, redact.Scene{Time: at, Objects: objects})
		if err != nil {
			return err
		}
		hidden = f.Mask().Hidden()
		f.Release()
		at += frameStep
		return nil
	}, func() float64 { return hidden }
}

func BenchmarkRedact(b *testing.B) {
	for _, k := range kinds {
		b.Run("fill="+k.name, func(b *testing.B) {
			bySize(b, func(b *testing.B, size string) {
				src, pic := noise(sizes[size], 1), noise(sizes[size], 2)
				for _, share := range shares {
					b.Run(fmt.Sprintf("hidden=%.0f%%", 100*share), func(b *testing.B) {
						run, _ := redaction(b, pic, k, share)
						// The copy restores the picture, and is what redaction is held against.
						against(b, does(func() { copyPicture(pic, src) }), run)
					})
				}
			})
		})
	}
}

// BenchmarkPart redacts 5 % of a picture in turn with the whole.
func BenchmarkPart(b *testing.B) {
	for _, k := range kinds[:2] {
		b.Run("fill="+k.name, func(b *testing.B) {
			src, pic := noise(fullHD, 1), noise(fullHD, 2)
			whole, _ := redaction(b, pic, k, 1)
			part, hides := redaction(b, pic, k, 0.05)
			restore := does(func() { copyPicture(pic, src) })
			took := inTurn(b, restore, whole, restore, part)
			tell(b, median(took[3]), coreMS)
			tell(b, ratio(took[3], took[1]), times)
			tell(b, 100*hides(), "hidden-%")
		})
	}
}

// BenchmarkBlur hides a picture the common way, in turn with frost anew.
func BenchmarkBlur(b *testing.B) {
	b.Run("by=OpenCV", func(b *testing.B) {
		src, pic := noise(fullHD, 1), noise(fullHD, 2)
		blur, err := newBlur(src)
		if err != nil {
			b.Fatal(err)
		}
		defer closes(b, blur.close)
		run, _ := redaction(b, pic, kinds[0], 1)
		against(b, run, blur.run)
	})
}

func closes(tb testing.TB, fns ...func() error) {
	tb.Helper()
	for _, f := range fns {
		if err := f(); err != nil {
			tb.Error(err)
		}
	}
}

var networkInput = image.Pt(640, 384)

// preparation scales pictures for the networks' input as detect/onnx does, and
// fills a tensor.
type preparation struct {
	scaler pixel.Scaler
	small  *image.YCbCr
	tensor []float32
	input  image.Point
}

func newPreparation(from, input image.Point) *preparation {
	fit := image.Pt(input.X, min(input.Y, input.X*from.Y/from.X&^1))
	return &preparation{small: image.NewYCbCr(image.Rectangle{Max: fit}, image.YCbCrSubsampleRatio420), input: input, tensor: make([]float32, 3*input.X*input.Y)}
}

func (p *preparation) run(pic *image.YCbCr) error {
	if err := p.scaler.Scale(p.small, pic); err != nil {
		return err
	}
	return pixel.FillBGR(p.tensor, p.input.X, p.input.Y, p.small, image.Point{}, false)
}

func BenchmarkPrepare(b *testing.B) {
	bySize(b, func(b *testing.B, size string) {
		src, pic := noise(sizes[size], 1), noise(sizes[size], 2)
		for _, in := range []image.Point{{X: 320, Y: 192}, networkInput, {X: 960, Y: 576}} {
			b.Run(fmt.Sprintf("input=%dx%d", in.X, in.Y), func(b *testing.B) {
				p := newPreparation(sizes[size], in)
				against(b, does(func() { copyPicture(pic, src) }), func() error { return p.run(pic) })
			})
		}
	})
}

// BenchmarkChains prepares three networks' input separately with OpenCV, in turn
// with one scaled picture and one shared tensor.
func BenchmarkChains(b *testing.B) {
	b.Run("by=OpenCV", func(b *testing.B) {
		pic := noise(fullHD, 1)
		shared := newPreparation(fullHD, networkInput)
		var chains [3]*chain
		for i := range chains {
			var err error
			if chains[i], err = newChain(pic, networkInput); err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { closes(b, chains[i].close) })
		}
		against(b, func() error { return shared.run(pic) }, func() error { return errors.Join(chains[0].run(), chains[1].run(), chains[2].run()) })
	})
}

// crowd returns, for each of a number of inferences, n people who walk, jostle and
// are sometimes missed.
func crowd(n, count int) [][]detect.Detection {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	out := make([][]detect.Detection, count)
	for range n {
		x, y := r.Float32()*3600, r.Float32()*1900
		vx, vy := r.Float32()*8-4, r.Float32()*4-2
		h := 60 + 120*r.Float32()
		for i := range out {
			if r.Float32() < 0.1 {
				continue
			}
			// There and back, so that the sequence may be repeated.
			t := float32(min(i, count-i))
			b := detect.Box{X0: x + vx*t, Y0: y + vy*t}
			b.X1, b.Y1 = b.X0+0.4*h, b.Y0+h
			out[i] = append(out[i], detect.Detection{Box: b, Class: detect.Person, Score: 0.3 + 0.6*r.Float32()})
		}
	}
	return out
}

// BenchmarkTrack is one inference, one prediction for the frame that goes out, and
// forgetting, as in each frame of which a network has seen something.
func BenchmarkTrack(b *testing.B) {
	for _, n := range []int{1, 2, 5, 10, 20, 50, 100, 200, 500} {
		b.Run(fmt.Sprintf("objects=%d", n), func(b *testing.B) {
			tr, seen, i := track.New(trackConfig(sizes["2160p"])), crowd(n, 120), 0
			var found []detect.Object
			step := func() {
				at := time.Duration(i) * frameStep
				tr.Update(track.Inference{Time: at, Classes: detect.Classes(detect.Person), Detections: seen[i%len(seen)]})
				found = tr.At(at-8*frameStep, found[:0])
				tr.Forget(at - 8*frameStep)
				i++
			}
			for range seen {
				step()
			}
			took := inTurn(b, does(step))
			tell(b, median(took[0]), coreMS)
			tell(b, 1000*median(took[0])/float64(n), "us/object")
		})
	}
}

// BenchmarkMotion is the background model.
func BenchmarkMotion(b *testing.B) {
	src, dst := noise(fullHD, 1), noise(fullHD, 2)
	for _, c := range []struct {
		size    string
		walkers int
	}{{"360p", 4}, {"360p", 0}, {"360p", 40}, {"1080p", 4}, {"2160p", 4}} {
		b.Run(fmt.Sprintf("size=%s/walkers=%d", c.size, c.walkers), func(b *testing.B) {
			m, pics, i := motion.New(motion.DefaultConfig()), street(sizes[c.size], c.walkers, 8), 0
			boxes := make([]detect.Box, 0, 4096)
			full := detect.Box{X1: float32(fullHD.X), Y1: float32(fullHD.Y)}
			against(b, does(func() { copyPicture(dst, src) }), does(func() {
				at := time.Duration(i) * frameStep
				m.Update(at, pics[i%len(pics)], fullHD)
				boxes = m.Unexplained(boxes[:0], nil)
				if i%9 == 3 {
					m.Observe(at, full, nil)
				}
				i++
			}))
		})
	}
}

// BenchmarkView is the watch for a moved camera, which runs on every picture of a
// fixed one: while it shows its view, and while it shows another.
func BenchmarkView(b *testing.B) {
	src, dst := noise(fullHD, 1), noise(fullHD, 2)
	for _, size := range []string{"720p", "1080p", "2160p"} {
		for _, shows := range []string{"its_view", "another"} {
			b.Run("size="+size+"/shows="+shows, func(b *testing.B) {
				v, pics, i := motion.NewView(), street(sizes[size], 4, 8), 0
				step := func() {
					v.Update(time.Duration(i)*frameStep, pics[i%len(pics)], fullHD, nil)
					i++
				}
				for range 60 {
					step()
				}
				if shows == "another" {
					for _, p := range pics {
						slices.Reverse(p.Y)
					}
				}
				against(b, does(func() { copyPicture(dst, src) }), does(step))
			})
		}
	}
}

// BenchmarkMJPEG decodes a camera's JPEG of 4:2:0, in turn with mediadevices' own
// decoder.
func BenchmarkMJPEG(b *testing.B) {
	var data bytes.Buffer
	if err := jpeg.Encode(&data, street(fullHD, 12, 1)[0], &jpeg.Options{Quality: 85}); err != nil {
		b.Fatal(err)
	}
	theirs, err := frame.NewDecoder(frame.FormatMJPEG)
	if err != nil {
		b.Fatal(err)
	}
	ours, err := mjpeg.NewDecoder()
	if err != nil {
		b.Fatal(err)
	}
	reader := mjpeg.NewReader(func() ([]byte, error) { return data.Bytes(), nil })
	source := mediadev.NewSource(reader, mediadev.SourceOptions{FullRange: true})
	defer closes(b, source.Close, reader.Close, ours.Close)
	var buf pipeline.Buffer
	imageJPEG := func() error {
		_, release, err := theirs.Decode(data.Bytes(), fullHD.X, fullHD.Y)
		if err == nil {
			release()
		}
		return err
	}
	for _, w := range []struct {
		name string
		run  func() error
	}{
		{"mediadevices", imageJPEG},
		{"libjpeg-turbo", func() error { _, err := ours.Decode(data.Bytes()); return err }},
		{"libjpeg-turbo_into_a_pipeline's_buffer", func() error { return source.Read(b.Context(), &buf) }},
	} {
		b.Run("by="+w.name, func(b *testing.B) {
			took := inTurn(b, imageJPEG, w.run)
			tell(b, median(took[1]), coreMS)
			tell(b, ratio(took[0], took[1]), "x-faster")
		})
	}
}

// needsRuntime skips a benchmark without ONNX Runtime.
func needsRuntime(b *testing.B) {
	b.Helper()
	library, err := ort.Library()
	if err == nil {
		err = onnx.Load(library)
	}
	if err != nil {
		skips(b, err)
	}
	said.runtime = onnx.Version()
}

// BenchmarkNetwork runs each network of the manifest that is there, with one and
// with two threads in turn.
func BenchmarkNetwork(b *testing.B) {
	needsRuntime(b)
	inputs := []image.Point{{X: 320, Y: 192}, networkInput, {X: 960, Y: 576}}
	if testing.Short() {
		inputs = inputs[:1]
	}
	pic := street(fullHD, 8, 1)[0]
	for _, m := range models.Manifest() {
		weights, err := m.Load(b.Context(), models.Options{Offline: true})
		if err != nil {
			fmt.Printf("note: %s was not measured: %v\n", m.Name, err)
			continue
		}
		for _, size := range inputs {
			if !m.Input.Allows(size.X, size.Y) {
				continue
			}
			b.Run(fmt.Sprintf("network=%s/input=%dx%d", m.Name, size.X, size.Y), func(b *testing.B) { benchNetwork(b, m, weights, size, pic) })
		}
	}
}

func benchNetwork(b *testing.B, m models.Model, weights []byte, size image.Point, pic *image.YCbCr) {
	p := newPreparation(fullHD, size)
	if err := p.run(pic); err != nil {
		b.Fatal(err)
	}
	var fns []func() error
	var walls [2][]float64
	for i := range walls {
		var n *network.Network
		n, err := networks.OpenModel(m, weights, networks.Options{InputSize: size, Threads: i + 1})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { closes(b, n.Close) })
		var found []detect.Detection
		fns = append(fns, func() (err error) {
			start := time.Now()
			found, err = n.Detect(context.Background(), p.small, found[:0])
			walls[i] = append(walls[i], ms(time.Since(start)))
			return err
		})
	}
	took := inTurn(b, fns...)
	tell(b, median(took[0]), coreMS)
	tell(b, median(took[1]), "2-threads-core-ms")
	tell(b, ratio(took[1], took[0]), "2-threads-x")
	tell(b, median(walls[0]), "wall-ms")
	tell(b, median(walls[1]), "2-threads-wall-ms")
}

// trackConfig is the tracker's for pictures of a size.
func trackConfig(size image.Point) track.Config {
	c := track.DefaultConfig()
	c.Size = size
	return c
}
