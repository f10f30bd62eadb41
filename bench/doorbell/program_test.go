package doorbell

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// said keeps what a process writes.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// lines returns what is not empty.
func (s *said) lines() (list []string) {
	for line := range strings.Lines(s.String()) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// child is a process that was started.
type child struct {
	cmd      *exec.Cmd
	out, err said
	ended    chan struct{} // closed when it has ended
	result   error         // valid then
}

// patience is how long a process may take to end when it was told to.
const patience = 15 * time.Second

// prepare returns a child yet to be started, which is told to end when ctx does.
func prepare(ctx context.Context, name string, args ...string) *child {
	c := &child{cmd: exec.CommandContext(ctx, name, args...), ended: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.err
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(os.Interrupt) }
	c.cmd.WaitDelay = patience
	return c
}

func (c *child) start() error {
	if err := c.cmd.Start(); err != nil {
		return err
	}
	go func() {
		c.result = c.cmd.Wait()
		close(c.ended)
	}()
	return nil
}

// stop tells the process to end, and kills it if it does not.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return c.wait()
}

// wait waits for the process's end for a while, and then kills it.
func (c *child) wait() error {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-c.ended:
		return c.result
	case <-t.C:
	}
	err := c.cmd.Process.Kill()
	<-c.ended
	return errors.Join(fmt.Errorf("it did not end within %v", patience), err)
}

// program is the doorbell.
type program struct {
	*child
	page, rtsp string // addresses with their secrets
	base       string // of the page, without a path
	token      string
	records    string // folder
}

var (
	pageForm = regexp.MustCompile(`(https?://\S+)/enter\?token=`)
	rtspForm = regexp.MustCompile(`rtsp://\S+@(\S+/hedge)`)
)

// build builds the doorbell and returns its path.
func (b *bench) build(ctx context.Context) (string, error) {
	path := filepath.Join(b.dir, "doorbell")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/hedgecam/hedge/examples/doorbell").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build ./examples/doorbell (run this in the project's folder): %w: %s", err, bytes.TrimSpace(out))
	}
	return path, nil
}

// open starts the doorbell on free ports and waits until it says where it is.
func (b *bench) open(ctx context.Context, path string, f *loop) (p *program, err error) {
	rules := filepath.Join(b.dir, "policy.json")
	if err := os.WriteFile(rules, []byte(policy(b.networks)), 0o600); err != nil {
		return nil, err
	}
	p = &program{records: filepath.Join(b.dir, "recordings"), token: rand.Text()}
	secret := filepath.Join(b.dir, "secret")
	if err := os.WriteFile(secret, []byte(p.token+"\n"), 0o600); err != nil {
		return nil, err
	}
	p.child = prepare(ctx, path, "-source", "file:"+f.path, "-policy", rules, "-preset", "house", "-networks", b.networks,
		"-listen", "127.0.0.1:0", "-rtsp", "127.0.0.1:0", "-token", "file:"+secret, "-rtsp-password", "file:"+secret, "-rtsp-auth", "md5", "-record", p.records, "-events", "-")
	if err := p.start(); err != nil {
		return nil, err
	}
	err = until(ctx, 30*time.Second, func() (bool, error) {
		text := p.err.String()
		// A line is complete when the next one has begun.
		text = text[:strings.LastIndexByte(text, '\n')+1]
		page, rtsp := pageForm.FindStringSubmatch(text), rtspForm.FindStringSubmatch(text)
		if page == nil || rtsp == nil {
			return false, p.alive()
		}
		p.base, p.page = page[1], page[1]+"/enter?token="+p.token
		p.rtsp = "rtsp://hedge:" + p.token + "@" + rtsp[1]
		return true, nil
	})
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// alive returns nil, or why the process has ended.
func (p *program) alive() error {
	select {
	case <-p.ended:
		lines := p.err.lines()
		return fmt.Errorf("the doorbell has ended: %w: %s", p.result, strings.Join(lines[max(0, len(lines)-3):], " / "))
	default:
		return nil
	}
}

// close ends the process if it still runs.
func (p *program) close() error {
	select {
	case <-p.ended:
		return nil
	default:
		return p.stop()
	}
}

// get asks for a path of the page's server.
func (p *program) get(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, errors.Join(err, p.alive())
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return data, err
}

// metrics are the figures of /metrics at a moment, by name and labels, these in the
// order of the alphabet: name{a="1", b="2"}.
type metrics map[string]float64

func (p *program) metrics(ctx context.Context) (metrics, error) {
	data, err := p.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	return parseMetrics(data)
}

// parseMetrics reads the Prometheus text format.
func parseMetrics(text []byte) (metrics, error) {
	d := expfmt.SampleDecoder{
		Dec:  expfmt.NewDecoder(bytes.NewReader(text), expfmt.NewFormat(expfmt.TypeTextPlain)),
		Opts: &expfmt.DecodeOptions{},
	}
	m := metrics{}
	for {
		var samples model.Vector
		switch err := d.Decode(&samples); {
		case errors.Is(err, io.EOF):
			return m, nil
		case err != nil:
			return nil, fmt.Errorf("metrics: %w", err)
		}
		for _, s := range samples {
			m[s.Metric.String()] = float64(s.Value)
		}
	}
}

// frames returns the count of frames of a kind.
func (m metrics) frames(kind string) float64 { return m[`hedge_frames_total{kind="`+kind+`"}`] }

// inferences returns how many inferences of networks there were.
func (m metrics) inferences() (n float64) {
	for name, v := range m {
		if strings.HasPrefix(name, "hedge_detector_looks_total{") && strings.Contains(name, `result="done"`) {
			n += v
		}
	}
	return n
}

// began returns when by the program's account the camera began, in milliseconds
// of this machine's clock.
func (p *program) began(ctx context.Context) (float64, error) {
	data, err := p.get(ctx, "/status")
	if err != nil {
		return 0, err
	}
	var s struct {
		Clock struct {
			Known bool
			Base  float64
		}
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return 0, fmt.Errorf("status: %w", err)
	}
	if !s.Clock.Known {
		return 0, errors.New("status: no picture has come from the camera")
	}
	return s.Clock.Base, nil
}

// until waits until f says so, fails, or the time is over.
func until(ctx context.Context, most time.Duration, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("waited for %v in vain", most))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := f(); done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
