package recording

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/inferences"
	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// Known is what is known of a recording's parts before its first pass.
type Known struct {
	// Open opens the file that Look wrote for a part, from 0: nil if there is none. The
	// caller closes it.
	Open func(ctx context.Context, part int) (io.ReadCloser, error)
	// Told is told of a file that cannot be read; it counts as if it were not there. It
	// defaults to nothing.
	Told func(part int, why error)
	// Counts are of the pass, if they are wanted.
	Counts *inferences.Counts
}

// seekMargin is how long before the first picture that is wanted the decoder begins: in some
// files it finds the second key frame before a time only.
const seekMargin = 10 * time.Second

// Look has the networks look at one part of a recording, from 0, as Inspect does at the
// whole, and writes what they found to a new file: see package inferences. Key names what
// else decides what networks find, such as the program's version.
func Look(ctx context.Context, p Pass, key string, part int, to string) (err error) {
	cache := inferences.New()
	p.Networks = remember(p.Networks, key, cache, &inferences.Counts{})
	src, r, err := p.begin(ctx)
	if err != nil {
		return err
	}
	info, span := src.Info(), r.Part(part)
	if from := span.From - seekMargin; from > 0 {
		if err := src.Close(); err != nil {
			return err
		}
		src, err = ffmpeg.Open(ctx, p.Path, ffmpeg.Options{From: from, Room: p.Room})
		if errors.Is(err, ffmpeg.ErrFrom) {
			return save(cache, to) // the recording is shorter than it said
		}
		if err != nil {
			return err
		}
		span.From = from
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	p.total = int64(info.Rate.Float() * min(span.To-span.From, max(info.Duration-span.From, 0)).Seconds())
	if err := r.Look(ctx, src, part); err != nil {
		return err
	}
	return save(cache, to)
}

func save(c *inferences.Cache, to string) error {
	return atomicfile.Write(to, false, func(f *os.File) error { return c.Write(f) })
}

// remember puts a memory before the detectors of all sets. Closing them stays with who
// opened the sets.
func remember(sets []*networks.Set, key string, m inferences.Memory, c *inferences.Counts) []*networks.Set {
	key += " " + Machine()
	var list []*networks.Set
	for _, s := range sets {
		with := *s
		with.Detectors = slices.Clone(s.Detectors)
		for i, d := range with.Detectors {
			with.Detectors[i] = inferences.Remember(d, s.Models[i].SHA256+" "+key, m, c)
		}
		list = append(list, &with)
	}
	return list
}

// Machine names the kind of this machine, in letters and digits: its processor's abilities
// and its ONNX Runtime, if one was loaded. Two of the same kind find the same, to the last
// bit; others may choose other kernels, which round otherwise.
var Machine = sync.OnceValue(func() string {
	var b strings.Builder
	fmt.Fprintln(&b, runtime.GOARCH, onnx.Version())
	for _, list := range []any{cpu.X86, cpu.ARM64} {
		v := reflect.ValueOf(list)
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Bool && f.Bool() {
				fmt.Fprintln(&b, v.Type().Field(i).Name)
			}
		}
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:4])
})

// partMemory holds what is known of the parts that a pass is at.
type partMemory struct {
	known Known
	mu    sync.Mutex
	at    int // the last part that was reached, -1 before
	parts map[int]*inferences.Cache
}

// Find implements inferences.Memory.
func (m *partMemory) Find(k inferences.Key, dst []detect.Detection) ([]detect.Detection, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.parts {
		if list, ok := c.Find(k, dst); ok {
			return list, true
		}
	}
	return dst, false
}

// Add implements inferences.Memory: it keeps nothing, since no part is looked at twice.
func (m *partMemory) Add(inferences.Key, []detect.Detection) {}

// reach loads a part, and forgets those of which all inferences have come.
func (m *partMemory) reach(ctx context.Context, part int) {
	if part <= m.at {
		return
	}
	c := m.load(ctx, part)
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := range m.parts {
		if n < m.at {
			delete(m.parts, n)
		}
	}
	m.at = part
	if c != nil {
		m.parts[part] = c
	}
}

func (m *partMemory) load(ctx context.Context, part int) *inferences.Cache {
	f, err := m.known.Open(ctx, part)
	if err == nil && f == nil {
		return nil
	}
	var c *inferences.Cache
	if err == nil {
		c, err = inferences.Read(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		if m.known.Told != nil {
			m.known.Told(part, err)
		}
		return nil
	}
	return c
}

// knowing puts what is known before the networks, and returns what reads the recording's
// pictures then.
func (p *Pass) knowing(key string, known Known) func(pipeline.Source) pipeline.Source {
	if known.Counts == nil {
		known.Counts = &inferences.Counts{}
	}
	m := &partMemory{known: known, at: -1, parts: map[int]*inferences.Cache{}}
	p.Networks = remember(p.Networks, key, m, known.Counts)
	length := p.Part
	if length == 0 {
		length = pipeline.DefaultPart
	}
	return func(src pipeline.Source) pipeline.Source {
		return pipeline.SourceFunc(func(ctx context.Context, b *pipeline.Buffer) error {
			err := src.Read(ctx, b)
			if err == nil {
				m.reach(ctx, int(b.Time/length))
			}
			return err
		})
	}
}
