package ffmpeg_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// rare is a pattern of samples that no other picture has.
func rare(series uint64) []byte {
	r, b := rand.New(rand.NewPCG(2026, series)), make([]byte, 16)
	for i := range b {
		b[i] = byte(16 + r.IntN(220))
	}
	return b
}

// TestRarePattern: a pattern of a raw picture that is to be hidden is neither in what an
// encoder gets through its pipe, nor in any file of the run, temporary ones among them;
// that of the property is in the pipe.
func TestRarePattern(t *testing.T) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg: apt-get install ffmpeg")
	}
	tee, err := exec.LookPath("tee")
	if err != nil {
		t.Skip(err)
	}
	dir, tools := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", dir)
	// Whatever goes into an ffmpeg's standard input is kept beside the files of the run.
	wrapped := fmt.Sprintf("#!/bin/sh\n%s -a %s/piped | exec %s \"$@\"\n", tee, dir, program)
	if err := os.WriteFile(filepath.Join(tools, "ffmpeg"), []byte(wrapped), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	outside, inside := rare(1), rare(2)
	size, n := image.Pt(160, 96), 0
	source := pipeline.SourceFunc(func(_ context.Context, b *pipeline.Buffer) error {
		if n == 12 {
			return io.EOF
		}
		pic := b.Resize(size.X, size.Y)
		for _, plane := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
			for i := 0; i < len(plane); i += len(outside) {
				pattern := outside
				if i >= len(plane)/2 {
					pattern = inside
				}
				copy(plane[i:], pattern)
			}
		}
		b.Time = time.Duration(n) * 40 * time.Millisecond
		n++
		return nil
	})
	for _, fill := range []string{"solid", "frost"} {
		n = 0
		p, err := redact.ParsePolicy([]byte(`{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"outside":{"hide":"all","fill":"` + fill + `"}}`))
		if err != nil {
			t.Fatal(err)
		}
		sink, err := ffmpeg.Create(t.Context(), filepath.Join(dir, fill+".mp4"), ffmpeg.OutOptions{Size: size})
		if err != nil {
			t.Fatal(err)
		}
		pipe, err := pipeline.New(pipeline.Config{Policy: p})
		if err != nil {
			t.Fatal(err)
		}
		if err := pipe.Run(t.Context(), source, sink); err != nil {
			t.Errorf("%s: %v", fill, err)
		}
		if err := pipe.Close(); err != nil {
			t.Error(err)
		}
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if bytes.Contains(data, outside[:8]) || bytes.Contains(data, outside[8:]) {
			t.Errorf("%s has raw pixels of what is hidden", d.Name())
		}
		if d.Name() == "piped" && !bytes.Contains(data, inside) {
			t.Error("the pipe has nothing of what is shown: it was not looked at")
		}
		return err
	})
	if err != nil || files != 3 {
		t.Errorf("%d files: %v", files, err)
	}
}
