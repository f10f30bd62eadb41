package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// memory is a file that a power cut leaves as it was.
type memory struct {
	data  []byte
	full  bool
	tries int
}

func (m *memory) read() ([]byte, error) {
	if m.data == nil {
		return nil, fs.ErrNotExist
	}
	return m.data, nil
}

func (m *memory) write(data []byte) error {
	m.tries++
	if m.full {
		return errors.New("no space left")
	}
	m.data = bytes.Clone(data)
	return nil
}

// strips are policies of which each shows more than the one before.
func strips(t *testing.T, n int) []*redact.Policy {
	t.Helper()
	all := make([]*redact.Policy, n)
	for i := range all {
		w := float64(i+1) / float64(n)
		p, err := redact.ParsePolicy(fmt.Appendf(nil, `{"version":1,"property":[[[0,0],[%g,0],[%g,1],[0,1]]]}`, w, w))
		if err != nil {
			t.Fatal(err)
		}
		all[i] = p
	}
	return all
}

// known remembers comparisons, which take long.
var known = struct {
	sync.Mutex
	of map[[2]string]*redact.Looser
}{of: map[[2]string]*redact.Looser{}}

func compare(p, was *redact.Policy, _ []image.Point) *redact.Looser {
	known.Lock()
	defer known.Unlock()
	key := [2]string{p.SHA256(), was.SHA256()}
	l, is := known.of[key]
	if !is {
		l = p.LooserThan(was)
		known.of[key] = l
	}
	return l
}

// scene is a camera with a sealed policy, whose clocks a test moves.
type scene struct {
	t     *testing.T
	s     *Seal
	disk  memory
	delay time.Duration
	wall  time.Time
	ran   time.Duration // of this run
	force *redact.Policy
	told  []string
}

func newScene(t *testing.T, p *redact.Policy) *scene {
	c := &scene{t: t, delay: 24 * time.Hour, wall: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	c.start(p)
	return c
}

// start starts the program, with a policy in its file.
func (c *scene) start(p *redact.Policy) {
	c.ran = 0
	c.s, c.force = Open(Options{Begin: true, Delay: c.delay, Told: func(text string) { c.told = append(c.told, text) },
		Now: func() time.Time { return c.wall }, Running: func() time.Duration { return c.ran }, files: &c.disk, looser: compare}, p)
}

// pass lets the program run for a time, in steps, and grants what is due.
func (c *scene) pass(d, step time.Duration) (granted *redact.Policy) {
	for ; d > 0; d -= step {
		c.ran += min(step, d)
		c.wall = c.wall.Add(min(step, d))
		if p := c.s.Tick(); p != nil {
			if _, err := c.s.Grant(p); err == nil {
				c.force, granted = p, p
			}
		}
	}
	return granted
}

// kept returns what the seal's file says: the sealed policy, the one that waits, and
// whether somebody agreed to that.
func (c *scene) kept(all []*redact.Policy) (level, asked int, agreed bool) {
	c.t.Helper()
	var f file
	if err := json.Unmarshal(c.disk.data, &f); err != nil {
		c.t.Fatal(err)
	}
	asked = -1
	for i, p := range all {
		if bytes.Equal(compact(f.Floor[0]), p.Canonical()) {
			level = i
		}
		if f.Waiting != nil && bytes.Equal(compact(f.Waiting.Policy), p.Canonical()) {
			asked, agreed = i, !f.Waiting.Agreed.IsZero()
		}
	}
	return level, asked, agreed
}

func compact(data []byte) []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, data) // it was read as JSON
	return b.Bytes()
}

// TestNeverEarly: in 1,000 random sequences of edits by page and by hand, acts at the
// device, stops, restarts, full disks and clocks that jump, no policy that shows more is in force
// before the program has run for the delay since somebody agreed, and the wall clock
// says so too; and some that nothing stopped are.
func TestNeverEarly(t *testing.T) {
	const n = 4
	all := strips(t, n)
	granted := 0
	for seed := range uint64(1000) {
		rng := rand.New(rand.NewPCG(seed, 3))
		level := rng.IntN(n) // the sealed one
		c := newScene(t, all[level])
		asked, agreed := -1, false
		var at time.Time
		var since time.Duration // how long the program has run since somebody agreed
		for step := range 24 {
			before, which := level, rng.IntN(n)
			what := rng.IntN(13)
			switch what {
			case 0, 1: // saved or edited by hand
				_, err := c.s.Take(all[which])
				if (err != nil) != (which > level) {
					t.Fatalf("seed %d, step %d: %d over %d: %v", seed, step, which, level, err)
				}
				if err == nil {
					if which != level {
						asked, agreed = -1, false
					}
					level, c.force = which, all[which]
				}
			case 2, 3:
				if err := c.s.Ask(all[which], "somebody"); err == nil {
					asked, agreed = which, false
				} else if which > level && !c.disk.full {
					t.Fatal(err)
				}
			case 4, 5:
				if c.s.Agree("a test") {
					agreed, at, since = true, c.wall, 0
				}
			case 6:
				if rng.IntN(3) == 0 {
					if is, err := c.s.Stop("somebody"); is && err == nil {
						asked, agreed = -1, false
					}
				}
			case 7: // the power fails; the file says something else afterwards, or not
				c.wall = c.wall.Add(time.Duration(rng.IntN(48)) * time.Hour)
				if rng.IntN(3) > 0 {
					which = level
				}
				var kept int // what a full disk has not kept is not known
				kept, asked, agreed = c.kept(all)
				if which < kept {
					asked, agreed = -1, false
				}
				level = min(kept, which)
				c.start(all[which])
			case 8:
				c.wall = c.wall.Add(time.Duration(rng.IntN(2000)-1000) * time.Hour)
			case 9:
				c.disk.full = rng.IntN(4) == 0
			default:
				d := time.Duration(rng.IntN(48)) * time.Hour
				since += d
				if p := c.pass(d, 3*time.Hour); p != nil {
					granted++
					if asked < 0 || p.SHA256() != all[asked].SHA256() || !agreed || since < c.delay || c.wall.Sub(at) < c.delay {
						t.Fatalf("seed %d, step %d: granted after %v, by the wall clock %v, asked %d, agreed %t", seed, step, since, c.wall.Sub(at), asked, agreed)
					}
					level, asked, agreed = asked, -1, false
				}
			}
			if c.force != all[level] && c.force.SHA256() != all[level].SHA256() {
				t.Fatalf("seed %d, step %d, act %d: not the policy %d is in force (before: %d)\n%q", seed, step, what, level, before, c.told)
			}
			if floor := c.s.Floor(); len(floor) != 1 || floor[0] != all[level] && floor[0].SHA256() != all[level].SHA256() {
				t.Fatalf("seed %d, step %d, act %d: the floor is not the policy %d", seed, step, what, level)
			}
		}
	}
	if granted < 100 {
		t.Errorf("only %d loosenings took effect", granted)
	}
	t.Logf("%d loosenings took effect", granted)
}

// TestDelay: what counts is the later of running time and wall clock.
func TestDelay(t *testing.T) {
	all := strips(t, 3)
	begin := func() *scene {
		c := newScene(t, all[0])
		if err := c.s.Ask(all[2], "somebody"); err != nil {
			t.Fatal(err)
		}
		if !c.s.Agree("a test") || c.s.Agree("a test") {
			t.Fatal("agreed not once")
		}
		return c
	}
	c := begin()
	if c.pass(24*time.Hour-time.Minute, time.Minute) != nil || c.pass(2*time.Minute, time.Minute) != all[2] {
		t.Error("not after 24 hours")
	}
	c = begin()
	c.wall = c.wall.Add(1000 * time.Hour)
	if c.pass(23*time.Hour, time.Minute) != nil || c.pass(2*time.Hour, time.Minute) == nil {
		t.Error("a clock that jumped forward")
	}
	c = begin()
	c.wall = c.wall.Add(-10 * time.Hour)
	if c.pass(33*time.Hour, time.Minute) != nil || c.pass(2*time.Hour, time.Minute) == nil {
		t.Error("a clock that jumped back")
	}
	// Time in which the program does not run does not count, and little of the rest is lost.
	c = begin()
	c.pass(12*time.Hour, time.Minute)
	c.wall = c.wall.Add(100 * time.Hour)
	c.start(all[0])
	if c.pass(11*time.Hour, time.Minute) != nil || c.pass(2*time.Hour, time.Minute) == nil {
		t.Error("after a power cut")
	}
	// A delay that is set shorter does not count; one that is set longer does.
	c = begin()
	c.delay = time.Minute
	c.start(all[0])
	if c.pass(23*time.Hour, time.Minute) != nil {
		t.Error("a delay that was set shorter")
	}
	// Nobody at the device: it is over after an hour.
	c = newScene(t, all[0])
	if err := c.s.Ask(all[1], "somebody"); err != nil {
		t.Fatal(err)
	}
	c.pass(2*time.Hour, time.Minute)
	if c.s.Agree("a test") || c.s.State().Waiting != nil {
		t.Error("agreed after the window")
	}
}

// TestBadInput: a damaged file hides everything, one that cannot be written agrees to
// nothing, and what is missing is begun.
func TestBadInput(t *testing.T) {
	all := strips(t, 3)
	whole := newScene(t, all[1])
	if err := whole.s.Ask(all[2], "somebody"); err != nil {
		t.Fatal(err)
	}
	good := whole.disk.data
	for _, text := range []string{"", "{", "null", `{"version":2}`, `{"version":1,"floor":[{"version":1,"x":1}]}`, `{"version":1,"floor":[],"waiting":{}}`,
		strings.Replace(string(good), `"delay"`, `"delay":-1,"x"`, 1), string(good[:len(good)/2])} {
		c := &scene{t: t, disk: memory{data: []byte(text)}}
		c.start(all[0])
		if c.force != nil || !c.s.State().Damaged || c.s.Judge(all[0]) == nil || !errors.Is(c.s.Ask(all[1], "x"), ErrDamaged) {
			t.Errorf("%.30q: in force %v, %+v", text, c.force, c.s.State())
		}
		if string(c.disk.data) != text {
			t.Errorf("%.30q was written over", text)
		}
	}
	c := newScene(t, all[1])
	c.disk.full = true
	if c.s.Ask(all[2], "x") == nil || c.s.State().Waiting != nil {
		t.Error("asked, and not written down")
	}
	if _, err := c.s.Take(all[0]); err != nil || c.s.Floor()[0] != all[0] {
		t.Errorf("what hides more has to hold although it cannot be written down: %v", err)
	}
	c.disk.full = false
	if err := c.s.Ask(all[0], "x"); !errors.Is(err, ErrNotLooser) {
		t.Errorf("asked for what is not looser: %v", err)
	}
	if _, err := c.s.Grant(all[2]); !errors.Is(err, ErrNotDue) {
		t.Errorf("granted what nobody asked for: %v", err)
	}
	var looser *LooserError
	if err := c.s.Judge(all[2]); !errors.As(err, &looser) || !strings.Contains(err.Error(), "from the left") {
		t.Errorf("%v", err)
	}
	// Not sealed: everything may be saved, and there is nothing to ask for.
	s, p := Open(Options{Told: func(text string) { t.Log(text) }, files: &memory{}}, all[2])
	if err := s.Judge(all[2]); err != nil || p != all[2] || s.State().Sealed || !errors.Is(s.Ask(all[2], "x"), ErrNotSealed) || len(s.Floor()) != 0 {
		t.Errorf("not sealed: %v, %+v", err, s.State())
	}
	// Sealed without a policy: the first one is.
	c = newScene(t, nil)
	if c.force != nil || !c.s.State().Sealed {
		t.Error("not sealed")
	}
	if _, err := c.s.Take(all[1]); err != nil || c.s.Judge(all[2]) == nil {
		t.Errorf("the first policy is not sealed: %v", err)
	}
}

// TestBeside: a zone that is made smaller is taken, and while it may show a block
// beside its edge the one before holds too.
func TestBeside(t *testing.T) {
	var chain []*redact.Policy
	for i := range 4 {
		p, err := redact.ParsePolicy(fmt.Appendf(nil, `{"version":1,"property":[[[0.1,0.1],[0.913,0.2],[%g,0.93],[0.15,0.87]]]}`, 0.93-0.004*float64(i)))
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, p)
	}
	c := newScene(t, chain[0])
	most, refused := 0, 0
	for i, p := range chain[1:] {
		before := c.s.Floor()
		floor, err := c.s.Take(p)
		if err != nil {
			refused++
			continue
		}
		most = max(most, len(floor))
		for _, was := range before { // what is dropped, the new one stands for
			kept := false
			for _, f := range floor {
				kept = kept || f == was
			}
			if !kept && compare(p, was, nil) != nil {
				t.Errorf("step %d: a policy was dropped that still hides something", i)
			}
		}
	}
	if most < 2 || most > maxFloor {
		t.Errorf("at most %d policies held together", most)
	}
	t.Logf("at most %d together, %d refused", most, refused)
}

// TestRootFile: what others than root could have written agrees to nothing.
func TestRootFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "loosen")
	if _, err := rootFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	if err := os.WriteFile(path, []byte("CODE\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if text, err := rootFile(path); root && (err != nil || text != "CODE") || !root && !errors.Is(err, errRoot) {
		t.Errorf("%q, %v", text, err)
	}
	for _, c := range []struct{ dir, file fs.FileMode }{{0o755, 0o666}, {0o777, 0o644}, {0o755, 0o664}, {0o777 | fs.ModeSticky, 0o644}} {
		if err := errors.Join(os.Chmod(dir, c.dir), os.Chmod(path, c.file)); err != nil {
			t.Fatal(err)
		}
		if _, err := rootFile(path); !errors.Is(err, errRoot) {
			t.Errorf("%v in %v: %v", c.file, c.dir, err)
		}
	}
	if root {
		if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(path, 0o644), os.Chown(path, 65534, 65534)); err != nil {
			t.Fatal(err)
		}
		if _, err := rootFile(path); !errors.Is(err, errRoot) {
			t.Errorf("another's: %v", err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := rootFile(link); err == nil {
		t.Error("through a link")
	}
}

// TestLook: the code of this loosening agrees, an old one does not, and what is wrong
// with the file is said once.
func TestLook(t *testing.T) {
	all := strips(t, 3)
	c := newScene(t, all[0])
	said, text, err := "", "OLDCODE", error(nil)
	read := func() (string, error) { return text, err }
	c.s.look(read, &said) // nothing waits
	if err := c.s.Ask(all[2], "somebody"); err != nil {
		t.Fatal(err)
	}
	c.s.look(read, &said)
	n := len(c.told)
	err = errRoot
	c.s.look(read, &said)
	c.s.look(read, &said)
	if w := c.s.State().Waiting; w.Agreed || len(c.told) != n+1 || !strings.Contains(w.Words(), w.Code) {
		t.Errorf("%+v, told %q", w, c.told[n:])
	}
	text, err = c.s.State().Waiting.Code, nil
	c.s.look(read, &said)
	if w := c.s.State().Waiting; !w.Agreed || w.Code != "" || !strings.Contains(w.Words(), "24 h 0 min") {
		t.Errorf("%+v: %s", w, w.Words())
	}
	if is, err := c.s.Stop("somebody"); !is || err != nil || c.s.State().Waiting.Words() != "" {
		t.Errorf("%t, %v", is, err)
	}
}
