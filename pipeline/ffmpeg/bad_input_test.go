package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/pipeline"
)

// wantOneLine fails unless the error is one line that names what it must.
func wantOneLine(t *testing.T, err error, words ...string) {
	t.Helper()
	s := err.Error()
	if strings.ContainsAny(s, "\n\r\t\x1b") || len(s) > 1500 {
		t.Errorf("not one clear line: %q", s)
	}
	for _, w := range words {
		if !strings.Contains(s, w) {
			t.Errorf("%q does not say %q", s, w)
		}
	}
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	good := makeVideo(t, "good.mp4", "testsrc2=s=160x120:r=25:d=1", "-pix_fmt", "yuv420p")
	sound := makeVideo(t, "sound.mp4", "sine=d=1")
	cover := filepath.Join(dir, "cover.mp3")
	jpg := makeVideo(t, "a.jpg", "testsrc2=s=160x120:r=1:d=1", "-frames:v", "1", "-pix_fmt", "yuvj420p")
	run(t, "-i", sound, "-i", jpg, "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic", cover)
	data := read(t, good)
	noise := make([]byte, 50000)
	for i := range noise {
		noise[i] = byte(i * i >> 3 * 7)
	}
	for name, c := range map[string]struct {
		input string
		want  error
		words []string
	}{
		"no name":        {"", ErrAddress, nil},
		"no such file":   {filepath.Join(dir, "none.mp4"), fs.ErrNotExist, []string{"none.mp4"}},
		"file as folder": {filepath.Join(good, "x.mp4"), nil, []string{"x.mp4"}},
		"folder":         {dir, ErrAddress, []string{dir, "folder"}},
		"empty":          {write(t, filepath.Join(dir, "empty.mp4"), nil), ErrEmpty, []string{"empty.mp4"}},
		"truncated":      {write(t, filepath.Join(dir, "cut.mp4"), data[:len(data)/2]), ErrNotVideo, []string{"cut.mp4", "moov atom not found", "cut off"}},
		"text":           {write(t, filepath.Join(dir, "text.mp4"), []byte("this is a text, not a video\n")), ErrNotVideo, []string{"text.mp4", "Invalid data"}},
		"text.txt":       {write(t, filepath.Join(dir, "text.txt"), []byte("this is a text, not a video\n")), ErrNotVideo, []string{"text.txt", "text"}},
		"noise":          {write(t, filepath.Join(dir, "noise.mkv"), noise), ErrNotVideo, []string{"noise.mkv"}},
		"sound only":     {sound, ErrNoVideo, []string{"sound.mp4", "sound only"}},
		"cover picture":  {cover, ErrNoVideo, []string{"cover.mp3"}},
		"playlist":       {write(t, filepath.Join(dir, "list.m3u8"), []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"+good+"\n#EXT-X-ENDLIST\n")), nil, []string{"list.m3u8"}},
		"script":         {write(t, filepath.Join(dir, "list.mp4"), []byte("ffconcat version 1.0\nfile text.mp4\n")), nil, []string{"list.mp4"}},
		"device":         {"/dev/null", ErrAddress, []string{"/dev/null"}},
		"other scheme":   {"ftp://user:secret@example.invalid/a.mp4", ErrAddress, []string{"ftp://", "rtsp://"}},
		"protocol":       {"concat:" + good, fs.ErrNotExist, []string{"concat:"}},
		"lavfi":          {"testsrc2=s=160x120", fs.ErrNotExist, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(testContext(t), c.input, Options{})
			if err == nil {
				_ = s.Close() // the failure below says more
				t.Fatal("no error")
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error is not %q: %v", c.want, err)
			}
			wantOneLine(t, err, c.words...)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("password in %q", err)
			}
			t.Log(err)
		})
	}
	if !bytes.Equal(read(t, good), data) {
		t.Error("an input was changed")
	}
}

func TestOpenWithoutPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	path := makeVideo(t, "a.mp4", "testsrc2=s=160x120:r=25:d=1")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, err := Open(testContext(t), path, Options{})
	if !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("error is %v", err)
	}
	wantOneLine(t, err, path)
}

func TestOpenTakesStrangeNames(t *testing.T) {
	good := makeVideo(t, "good.mp4", "testsrc2=s=160x120:r=25:d=0.2", "-pix_fmt", "yuv420p")
	data := read(t, good)
	jpg := read(t, makeVideo(t, "a.jpg", "testsrc2=s=160x120:r=1:d=1", "-frames:v", "1", "-pix_fmt", "yuvj420p"))
	t.Chdir(t.TempDir())
	for _, name := range []string{"-x.mp4", "-i", "concat:a|b.mp4", "a b'\"$(true);.mp4", "pipe:0", "%03d.mp4", "ü\n.mp4", "rtsp:x", "http%3A"} {
		s := open(t, write(t, name, data), Options{})
		if n := len(readAll(t, s)); n != 5 {
			t.Errorf("%q: %d pictures, want 5", name, n)
		}
	}
	// ffmpeg would take these for the pattern of a series of files.
	if err := os.Mkdir("50%d", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"%03d.jpg", "img%d.jpg", "[a-z]?*.jpg", "%*.jpg", "50%d/a.jpg"} {
		write(t, "img1.jpg", []byte("another file"))
		write(t, "001.jpg", []byte("another file"))
		s := open(t, write(t, name, jpg), Options{})
		if n := len(readAll(t, s)); n != 1 {
			t.Errorf("%q: %d pictures, want 1", name, n)
		}
	}
}

func TestProgramsMissing(t *testing.T) {
	good := makeVideo(t, "good.mp4", "testsrc2=s=160x120:r=25:d=0.2", "-pix_fmt", "yuv420p")
	t.Setenv("PATH", t.TempDir())
	_, err := Open(testContext(t), good, Options{})
	if !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("Open: %v", err)
	}
	wantOneLine(t, err, "ffmpeg", "PATH", "install")
	dir := t.TempDir()
	_, err = Create(testContext(t), filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(64, 48)})
	if !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("Create: %v", err)
	}
	wantOneLine(t, err, "ffmpeg", "PATH", "install")
	if names := folder(t, dir); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
}

// TestCutInTheMiddle reads files whose index is whole but whose pictures are
// not all there.
func TestCutInTheMiddle(t *testing.T) {
	for name, c := range map[string]struct {
		args      []string
		truncated bool
	}{
		"front.mp4": {[]string{"-movflags", "+faststart"}, true},
		"a.mkv":     {nil, true},
		// ffmpeg does not tell where such a file ends, but that its last
		// picture is broken.
		"a.avi": {[]string{"-c:v", "mpeg4", "-q:v", "4"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := makeVideo(t, name, "testsrc2=s=320x240:r=25:d=4", append([]string{"-g", "10", "-pix_fmt", "yuv420p"}, c.args...)...)
			data := read(t, path)
			write(t, path, data[:len(data)*6/10])
			s := open(t, path, Options{})
			n := len(readAll(t, s))
			if n < 30 || n > 75 {
				t.Errorf("%d pictures of 60 %% of 100", n)
			}
			var d *DamageError
			if err := s.Warning(); !errors.As(err, &d) {
				t.Fatalf("warning: %v", err)
			}
			wantOneLine(t, d, path)
			if d.Frames != int64(n) || d.Truncated != c.truncated {
				t.Errorf("warning: %+v", d)
			}
			t.Log(d)
		})
	}
}

func TestDamagedPicturesAreLeftOut(t *testing.T) {
	path := makeVideo(t, "a.mp4", "testsrc2=s=320x240:r=25:d=4", "-g", "25", "-pix_fmt", "yuv420p", "-movflags", "+faststart")
	data := read(t, path)
	for i := len(data) / 4; i < len(data); i += 1777 {
		data[i] ^= 0x5a
	}
	write(t, path, data)
	s := open(t, path, Options{})
	var b pipeline.Buffer
	ctx := testContext(t)
	var ok, bad int64
	for {
		err := s.Read(ctx, &b)
		if errors.Is(err, pipeline.ErrPicture) {
			bad++
			continue
		}
		if err != nil {
			break
		}
		ok++
	}
	st := s.Stats()
	if bad == 0 || ok == 0 || st.Frames != ok || st.Damaged != bad || st.Errors == 0 {
		t.Errorf("%d good, %d damaged, stats %+v", ok, bad, st)
	}
	var d *DamageError
	if err := s.Warning(); !errors.As(err, &d) || d.Damaged != bad || d.Expected != 100 {
		t.Errorf("warning: %v", err)
	}
	wantOneLine(t, d, path, "damaged")
	t.Log(d)
}

func TestOptionsRefused(t *testing.T) {
	good := makeVideo(t, "good.mp4", "testsrc2=s=160x120:r=25:d=0.2")
	for _, o := range []Options{{MaxRate: -1}, {Threads: -1}, {Timeout: -1}, {Rotate: 45}, {Rotate: -90}} {
		if _, err := Open(context.Background(), good, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := Open(context.Background(), "rtsp://localhost/", Options{Loop: true}); !errors.Is(err, ErrOptions) {
		t.Errorf("a camera in a loop: %v", err)
	}
}
