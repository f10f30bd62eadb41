package speed

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/procfs"
)

// mostRing bounds the memory of a ring of pictures, in bytes.
const mostRing = 3 << 30

// lastLevelCache returns the size in bytes of the largest cache of a processor, 32 MiB
// where the system does not say.
func lastLevelCache() int {
	largest := 0
	files, _ := filepath.Glob("/sys/devices/system/cpu/cpu0/cache/index*/size") // the pattern is good
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(string(text)), "K"))
		if err == nil {
			largest = max(largest, kib<<10)
		}
	}
	if largest == 0 {
		return 32 << 20
	}
	return largest
}

// clockRate returns the processor's clock in GHz as the system names it, 0 where it does not,
// as on ARM.
func clockRate() float64 {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	cpus, err := fs.CPUInfo()
	if err != nil || len(cpus) == 0 {
		return 0
	}
	return cpus[0].CPUMHz / 1000
}

// ringOf returns how many pictures of n bytes do not fit into a cache of that size: twice
// as much, and no more than the memory that is free leaves room for. enough is false
// where that is less than the cache.
func ringOf(n, cache int, free uint64) (pictures int, enough bool) {
	all := min(2*cache, mostRing, int(free/2))
	return max(all/n, 8), all > cache
}

// ring is pictures that are used one after the other. By the time one's turn comes again
// more has been read and written since than a cache holds.
type ring struct {
	pics []*image.YCbCr
	turn int
}

func newRing(tb testing.TB, size image.Point) *ring {
	tb.Helper()
	first := noise(size, 1)
	n := 8
	if !testing.Short() {
		var free uint64
		if fs, err := procfs.NewDefaultFS(); err == nil {
			if m, err := fs.Meminfo(); err == nil && m.MemAvailableBytes != nil {
				free = *m.MemAvailableBytes
			}
		}
		var enough bool
		if n, enough = ringOf(bytesOf(first), lastLevelCache(), free); !enough {
			said.notes = append(said.notes, fmt.Sprintf("The ring of %d pictures fits into the last-level cache of %d MiB: there is too little free memory for a larger one.", n, lastLevelCache()>>20))
		}
	}
	r := &ring{pics: []*image.YCbCr{first}}
	for len(r.pics) < n {
		p := image.NewYCbCr(first.Rect, first.SubsampleRatio)
		copyPicture(p, first)
		r.pics = append(r.pics, p)
	}
	return r
}

// next goes on by one picture, and returns the one whose turn it is and those that are a
// third and two thirds of the ring ahead.
func (r *ring) next() (a, b, c *image.YCbCr) {
	n := len(r.pics)
	r.turn = (r.turn + 1) % n
	return r.pics[r.turn], r.pics[(r.turn+n/3)%n], r.pics[(r.turn+2*n/3)%n]
}

// BenchmarkRing redacts a whole 1080p picture in turn with a memcpy of one, both out of
// memory: where the picture lies in a cache, the ratio depends on how large and how fast
// that is, and read 1.0 on one machine and 3.1 on another.
func BenchmarkRing(b *testing.B) {
	r := newRing(b, fullHD)
	n := float64(bytesOf(r.pics[0]))
	for _, k := range kinds {
		b.Run("fill="+k.name, func(b *testing.B) {
			pic := new(image.YCbCr) // the one whose turn it is
			*pic = *r.pics[0]
			run, _ := redaction(b, pic, k, 1)
			took := inTurn(b, func() error {
				from, to, next := r.next()
				copyPicture(to, from)
				*pic = *next
				return nil
			}, run)
			tell(b, median(took[1]), coreMS)
			tell(b, ratio(took[1], took[0]), times)
			tell(b, n/median(took[1])/1e6, "B/ns")
			tell(b, n/median(took[0])/1e6, "memcpy-B/ns")
			if ghz := clockRate(); ghz > 0 {
				tell(b, n/median(took[1])/1e6/ghz, "B/cycle")
			}
			tell(b, float64(len(r.pics)), "pictures")
		})
	}
}

// TestRing: the pictures of a ring are twice the cache, and each comes back only after all
// others.
func TestRing(t *testing.T) {
	n := bytesOf(noise(fullHD, 1))
	for _, c := range []struct {
		cache  int
		free   uint64
		want   int
		enough bool
	}{
		{32 << 20, 8 << 30, (64 << 20) / n, true},
		{480 << 20, 8 << 30, (960 << 20) / n, true},
		{480 << 20, 512 << 20, (256 << 20) / n, false},
		{480 << 20, 0, 8, false},
		{1 << 20, 8 << 30, 8, true},
	} {
		if got, enough := ringOf(n, c.cache, c.free); got != c.want || enough != c.enough {
			t.Errorf("cache of %d MiB, %d MiB free: %d pictures, %v; want %d, %v", c.cache>>20, c.free>>20, got, enough, c.want, c.enough)
		}
	}
	r := &ring{}
	for range 9 {
		r.pics = append(r.pics, noise(image.Pt(2, 2), 1))
	}
	last := map[*image.YCbCr]int{}
	for turn := range 27 {
		a, b, c := r.next()
		for _, p := range []*image.YCbCr{a, b, c} {
			if was, ok := last[p]; ok && turn-was < 3 {
				t.Fatalf("turn %d: a picture of turn %d is back", turn, was)
			}
			last[p] = turn
		}
	}
	if len(last) != 9 {
		t.Errorf("%d pictures of 9 were used", len(last))
	}
}
