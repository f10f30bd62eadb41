package program

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
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Doorbell is the program, running.
type Doorbell struct {
	*Child
	Page, RTSP string // addresses with their secrets
	Base       string // of the page, without a path
	Token      string // opens the page and is the password of RTSP
}

// Options say how the doorbell is started.
type Options struct {
	Dir      string // in which its token is kept
	Source   string // as the setting of that name has it
	Policy   string // the policy file
	Networks string // as the setting of that name has it
	Records  string // folder for recordings
	More     []string
}

var (
	pageForm = regexp.MustCompile(`(https?://\S+)/enter\?token=`)
	rtspForm = regexp.MustCompile(`rtsp://\S+@(\S+/hedge)`)
)

// Build builds the doorbell in a folder and returns its path.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "doorbell")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/hedgecam/hedge/examples/doorbell").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build ./examples/doorbell (run this in the project's folder): %w: %s", err, bytes.TrimSpace(out))
	}
	return path, nil
}

// Open starts the doorbell that Build has built on free ports of this machine, and
// waits until it says where it is. It ends with ctx, or by Close.
func Open(ctx context.Context, path string, o Options) (p *Doorbell, err error) {
	p = &Doorbell{Token: rand.Text()}
	secret := filepath.Join(o.Dir, "secret")
	if err := os.WriteFile(secret, []byte(p.Token+"\n"), 0o600); err != nil {
		return nil, err
	}
	args := append([]string{"-source", o.Source, "-policy", o.Policy, "-preset", "house", "-networks", o.Networks,
		"-listen", "127.0.0.1:0", "-rtsp", "127.0.0.1:0", "-token", "file:" + secret, "-rtsp-password", "file:" + secret, "-rtsp-auth", "md5",
		"-record", o.Records, "-events", "-"}, o.More...)
	p.Child = Prepare(ctx, path, args...)
	if err := p.Start(); err != nil {
		return nil, err
	}
	err = Until(ctx, 30*time.Second, func() (bool, error) {
		text := p.Err.String()
		// A line is complete when the next one has begun.
		text = text[:strings.LastIndexByte(text, '\n')+1]
		page, rtsp := pageForm.FindStringSubmatch(text), rtspForm.FindStringSubmatch(text)
		if page == nil || rtsp == nil {
			return false, p.Alive()
		}
		p.Base, p.Page = page[1], page[1]+"/enter?token="+p.Token
		p.RTSP = "rtsp://hedge:" + p.Token + "@" + rtsp[1]
		return true, nil
	})
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Alive returns nil, or why the process has ended.
func (p *Doorbell) Alive() error {
	select {
	case <-p.Ended:
		lines := p.Err.Lines()
		return fmt.Errorf("the doorbell has ended: %w: %s", p.Result, strings.Join(lines[max(0, len(lines)-3):], " / "))
	default:
		return nil
	}
}

// Ask sends a request without a body to a path of the page's server, and returns its
// answer if that is one of success.
func (p *Doorbell) Ask(ctx context.Context, method, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.Base+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, errors.Join(err, p.Alive())
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return data, err
}

// Metrics are the figures of /metrics at a moment, by name and labels, these in the
// order of the alphabet: name{a="1", b="2"}.
type Metrics map[string]float64

// Metrics asks for the figures of now.
func (p *Doorbell) Metrics(ctx context.Context) (Metrics, error) {
	data, err := p.Ask(ctx, http.MethodGet, "/metrics")
	if err != nil {
		return nil, err
	}
	return ParseMetrics(data)
}

// ParseMetrics reads the Prometheus text format.
func ParseMetrics(text []byte) (Metrics, error) {
	d := expfmt.SampleDecoder{
		Dec:  expfmt.NewDecoder(bytes.NewReader(text), expfmt.NewFormat(expfmt.TypeTextPlain)),
		Opts: &expfmt.DecodeOptions{},
	}
	m := Metrics{}
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

// Frames returns the count of frames of a kind.
func (m Metrics) Frames(kind string) float64 { return m[`hedge_frames_total{kind="`+kind+`"}`] }

// Inferences returns how many inferences of networks there were.
func (m Metrics) Inferences() (n float64) {
	for name, v := range m {
		if strings.HasPrefix(name, "hedge_detector_looks_total{") && strings.Contains(name, `result="done"`) {
			n += v
		}
	}
	return n
}

// Began returns when by the program's account the camera began, in milliseconds
// of this machine's clock.
func (p *Doorbell) Began(ctx context.Context) (float64, error) {
	data, err := p.Ask(ctx, http.MethodGet, "/status")
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
