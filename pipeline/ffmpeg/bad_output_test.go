package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCreateRefuses(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := write(t, filepath.Join(dir, "in.mp4"), []byte("input"))
	other := write(t, filepath.Join(dir, "other.mp4"), []byte("other"))
	soft, hard := filepath.Join(dir, "soft.mp4"), filepath.Join(dir, "hard.mp4")
	for _, err := range []error{os.Symlink(in, soft), os.Link(in, hard), os.Mkdir(filepath.Join(dir, "folder.mp4"), 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := folder(t, dir)
	ok := OutOptions{Size: image.Pt(64, 48), Inputs: []string{in}, Overwrite: true}
	keep := ok
	keep.Overwrite = false
	for name, c := range map[string]struct {
		path  string
		o     OutOptions
		want  error
		words []string
	}{
		"input":               {in, ok, ErrSameFile, []string{"in.mp4"}},
		"input otherwise":     {filepath.Join(dir, "folder.mp4", "..", "in.mp4"), ok, ErrSameFile, nil},
		"symbolic link to it": {soft, ok, ErrSameFile, []string{"soft.mp4", "in.mp4"}},
		"hard link to it":     {hard, ok, ErrSameFile, []string{"hard.mp4"}},
		"input, no overwrite": {in, keep, ErrSameFile, nil},
		"exists":              {other, keep, ErrExists, []string{"other.mp4", "overwrit"}},
		"a folder":            {filepath.Join(dir, "folder.mp4"), ok, ErrExists, []string{"folder.mp4"}},
		"folder missing":      {filepath.Join(dir, "none", "out.mp4"), ok, fs.ErrNotExist, []string{"none", "make the folder"}},
		"folder is a file":    {filepath.Join(in, "out.mp4"), ok, syscall.ENOTDIR, []string{"out.mp4"}},
		"other container":     {filepath.Join(dir, "out.mkv"), ok, ErrOptions, []string{"out.mkv", ".mp4"}},
		"no name":             {"", ok, ErrOptions, nil},
		"no size":             {filepath.Join(dir, "out.mp4"), OutOptions{}, ErrOptions, nil},
		"size too large":      {filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(1<<20, 1<<20)}, ErrOptions, nil},
		"quality":             {filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(64, 48), CRF: 99}, ErrOptions, []string{"99"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Create(testContext(t), c.path, c.o)
			if err == nil {
				_ = s.Close() // the failure below says more
				t.Fatal("no error")
			}
			if !errors.Is(err, c.want) {
				t.Errorf("error is not %q: %v", c.want, err)
			}
			wantOneLine(t, err, c.words...)
			t.Log(err)
		})
	}
	if string(read(t, in)) != "input" || string(read(t, other)) != "other" {
		t.Error("a file was changed")
	}
	if after := folder(t, dir); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("files before %q, after %q", before, after)
	}
}

func TestCreateOverwrites(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "out.mp4"), []byte("old"))
	link := filepath.Join(dir, "link.mp4")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	all := stills(64, 48, 3, time.Second)
	// Given up: the old file stays.
	s := create(t, path, OutOptions{Size: image.Pt(64, 48), Overwrite: true})
	if err := s.Write(testContext(t), newFramer(t, s.opts.Size)(still(64, 48, 1), 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if string(read(t, path)) != "old" {
		t.Error("the old file is gone")
	}
	writeAll(t, create(t, link, OutOptions{Size: image.Pt(64, 48), Overwrite: true}), all)
	if st, err := os.Lstat(link); err != nil || st.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", st, err)
	}
	if n := len(readAll(t, open(t, path, Options{}))); n != 3 {
		t.Errorf("%d frames", n)
	}
	// A file that appears while another is written is not replaced.
	late := filepath.Join(dir, "late.mp4")
	s = create(t, late, OutOptions{Size: image.Pt(64, 48)})
	if err := s.Write(testContext(t), newFramer(t, s.opts.Size)(still(64, 48, 1), 0)); err != nil {
		t.Fatal(err)
	}
	write(t, late, []byte("late"))
	if err := s.Finish(testContext(t)); !errors.Is(err, ErrExists) {
		t.Errorf("finish: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if string(read(t, late)) != "late" {
		t.Error("the other file was replaced")
	}
	if names := folder(t, dir); len(names) != 3 {
		t.Errorf("left: %q", names)
	}
}

func TestCreateInReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere; TestFullDisk looks at a read-only disk")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Create(testContext(t), filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(64, 48)})
	if !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("error is %v", err)
	}
	wantOneLine(t, err, dir, "out.mp4")
}

// TestOutputNames: names as long as the file system takes, and a link to a file
// that is not there yet.
func TestOutputNames(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("n", 251)+".mp4")
	wide := filepath.Join(dir, strings.Repeat("ü", 125)+".mp4")
	link, target := filepath.Join(dir, "link.mp4"), filepath.Join(dir, "sub", "target.mp4")
	if err := errors.Join(os.Mkdir(filepath.Dir(target), 0o700), os.Symlink("sub/target.mp4", link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{long, wide, link} {
		writeAll(t, create(t, path, OutOptions{Size: image.Pt(64, 48)}), stills(64, 48, 3, time.Second))
		if n := len(readAll(t, open(t, path, Options{}))); n != 3 {
			t.Errorf("%.40s: %d frames", path, n)
		}
	}
	if st, err := os.Lstat(link); err != nil || st.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v", err)
	}
	if st, err := os.Lstat(target); err != nil || !st.Mode().IsRegular() {
		t.Errorf("what the link leads to: %v", err)
	}
	if names := folder(t, dir); len(names) != 4 {
		t.Errorf("left: %q", names)
	}
	// A link into a folder that is not there.
	if err := os.Symlink("none/x.mp4", filepath.Join(dir, "lost.mp4")); err != nil {
		t.Fatal(err)
	}
	_, err := Create(testContext(t), filepath.Join(dir, "lost.mp4"), OutOptions{Size: image.Pt(64, 48)})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error is %v", err)
	}
	wantOneLine(t, err, "lost.mp4", "none", "make the folder")
}

// noisy returns a picture that no encoder can make small.
func noisy(w, h, seed int) *image.YCbCr {
	p := still(w, h, seed)
	x := uint32(seed)*2654435761 + 1
	for i := range p.Y {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		p.Y[i] = byte(x)
	}
	return p
}

func TestEncoderRefuses(t *testing.T) {
	dir := t.TempDir()
	s := create(t, filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(64, 48), Codec: "no_such_codec"})
	ctx := testContext(t)
	frame := newFramer(t, image.Pt(64, 48))
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = s.Write(ctx, frame(still(64, 48, i), time.Duration(i)*time.Second))
	}
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Program != "ffmpeg" {
		t.Fatalf("write: %v", err)
	}
	wantOneLine(t, err, "out.mp4", "Unknown encoder 'no_such_codec'")
	if ferr := s.Finish(ctx); ferr == nil || ferr.Error() != err.Error() {
		t.Errorf("finish: %v", ferr)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if names := folder(t, dir); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
}

// TestEncoderDies ends the encoder in the middle, and just before the end.
func TestEncoderDies(t *testing.T) {
	for _, name := range []string{"write", "finish"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := create(t, filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(640, 360)})
			ctx := testContext(t)
			frame := newFramer(t, s.opts.Size)
			if err := s.Write(ctx, frame(still(640, 360, 0), 0)); err != nil {
				t.Fatal(err)
			}
			s.proc.kill()
			var err error
			if name == "write" {
				for i := 1; err == nil && i < 1000; i++ {
					err = s.Write(ctx, frame(still(640, 360, i), time.Duration(i)*time.Second))
				}
			} else {
				err = s.Finish(ctx)
			}
			var exit *ExitError
			if !errors.As(err, &exit) || !strings.Contains(exit.Status, "killed") {
				t.Errorf("error is %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if names := folder(t, dir); len(names) != 0 {
				t.Errorf("left: %q", names)
			}
		})
	}
}

func TestSinkObeysContext(t *testing.T) {
	dir := t.TempDir()
	s := create(t, filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(1280, 720), Preset: "veryslow", Threads: 1})
	frame := newFramer(t, s.opts.Size)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	// Cancelled before anything was written: no harm done.
	if err := s.Write(done, frame(still(1280, 720, 0), 0)); !errors.Is(err, context.Canceled) {
		t.Fatalf("write: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := s.Write(ctx, frame(noisy(1280, 720, 0), 0)); err != nil {
		t.Fatal(err)
	}
	// The encoder cannot keep up, so that some Write has to wait.
	timer := time.AfterFunc(300*time.Millisecond, cancel)
	defer timer.Stop()
	begin := time.Now()
	var err error
	for i := 1; err == nil && i < 1000; i++ {
		err = s.Write(ctx, frame(noisy(1280, 720, i), time.Duration(i)*time.Second))
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("write: %v", err)
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if names := folder(t, dir); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
}

func TestFinishObeysContext(t *testing.T) {
	dir := t.TempDir()
	s := create(t, filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(640, 360), Preset: "placebo", Threads: 1})
	frame := newFramer(t, s.opts.Size)
	for i := range 30 {
		if err := s.Write(context.Background(), frame(noisy(640, 360, i), time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Finish(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("finish: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if names := folder(t, dir); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
}

func TestSinkWriteDoesNotAllocate(t *testing.T) {
	s := create(t, filepath.Join(t.TempDir(), "out.mp4"), OutOptions{Size: image.Pt(64, 48), Preset: "ultrafast"})
	frame := newFramer(t, s.opts.Size)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := still(64, 48, 0)
	at := time.Duration(0)
	with := testing.AllocsPerRun(300, func() {
		at += time.Second
		f := frame(p, at)
		if err := s.Write(ctx, f); err != nil {
			t.Fatal(err)
		}
		f.Release()
	})
	without := testing.AllocsPerRun(300, func() {
		at += time.Second
		f := frame(p, at)
		f.Release()
	})
	if with > without {
		t.Errorf("%v allocations per frame, %v without Write", with, without)
	}
}

func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("a small disk can be mounted by root on Linux only")
	}
	needFFmpeg(t)
	o := OutOptions{Size: image.Pt(64, 48), Lossless: true, Threads: 1}
	var all []picture
	for i := range 1000 {
		all = append(all, picture{pic: noisy(64, 48, i), time: time.Duration(i) * time.Second})
	}
	whole := filepath.Join(t.TempDir(), "out.mp4")
	writeAll(t, create(t, whole, o), all)
	st, err := os.Stat(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{
		// The second disk is full when the index goes to the front.
		"frames": st.Size() / 3, "index": st.Size() - 8192,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprint("size=", size)); err != nil {
				t.Skipf("no small disk: %v", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			})
			s := create(t, filepath.Join(dir, "out.mp4"), o)
			frame := newFramer(t, s.opts.Size)
			var err error
			for i := 0; err == nil && i < len(all); i++ {
				err = s.Write(testContext(t), frame(clone(all[i].pic), all[i].time))
			}
			if err == nil {
				err = s.Finish(testContext(t))
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("error is %v", err)
			}
			wantOneLine(t, err, "out.mp4", "No space left on device")
			if strings.Contains(err.Error(), ".part") {
				t.Errorf("name of the part file in %q", err)
			}
			t.Log(err)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if names := folder(t, dir); len(names) != 0 {
				t.Errorf("left: %q", names)
			}
		})
	}
	t.Run("read-only", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=100k"); err != nil {
			t.Skipf("no read-only disk: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
		_, err := Create(testContext(t), filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(64, 48)})
		if !errors.Is(err, syscall.EROFS) {
			t.Fatalf("error is %v", err)
		}
		wantOneLine(t, err, dir, "out.mp4")
	})
}
