// Command plain hides faces, and with -all people and plates, the way programs
// commonly do: every picture is decoded to BGR, looked at, blurred with a
// Gaussian where something was found, and encoded again. Nothing is tracked.
// bench/peers compares Hedge with it, with the same networks. It is not a tool to use.
//
//	plain [-all] IN OUT
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"strings"

	"gocv.io/x/gocv"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

func main() {
	all := flag.Bool("all", false, "hide people and plates too")
	flag.Parse()
	if flag.NArg() != 2 {
		_, _ = fmt.Fprintln(os.Stderr, "usage: plain [-all] IN OUT")
		os.Exit(2)
	}
	if err := run(context.Background(), flag.Arg(0), flag.Arg(1), *all); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "plain: %v\n", err) // nowhere else to say it
		os.Exit(1)
	}
}

func run(ctx context.Context, in, out string, all bool) (err error) {
	set, err := networks.Open(ctx, networks.Trio, networks.Options{Offline: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	hide := detect.Classes(detect.Face)
	if all {
		hide |= detect.Classes(detect.Person, detect.Plate)
	}

	about, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0",
		"-show_entries", "stream=width,height,r_frame_rate", "-of", "csv=p=0", in).Output()
	if err != nil {
		return fmt.Errorf("ffprobe %s: %w", in, err)
	}
	var w, h int
	var rate string
	if _, err := fmt.Sscanf(strings.ReplaceAll(string(about), ",", " "), "%d %d %s", &w, &h, &rate); err != nil {
		return fmt.Errorf("%s: no size and rate in %q: %w", in, about, err)
	}
	read := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", in, "-f", "rawvideo", "-pix_fmt", "bgr24", "-")
	read.Stderr = os.Stderr
	frames, err := read.StdoutPipe()
	if err != nil {
		return err
	}
	write := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24",
		"-s", fmt.Sprintf("%dx%d", w, h), "-r", rate, "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", out)
	write.Stderr = os.Stderr
	done, err := write.StdinPipe()
	if err != nil {
		return err
	}
	if err := errors.Join(read.Start(), write.Start()); err != nil {
		return err
	}
	err = loop(ctx, set, hide, frames, done, w, h)
	return errors.Join(err, done.Close(), write.Wait(), read.Wait())
}

func loop(ctx context.Context, set *networks.Set, hide detect.ClassSet, frames io.Reader, done io.Writer, w, h int) error {
	bgr := gocv.NewMatWithSize(h, w, gocv.MatTypeCV8UC3)
	small, i420 := gocv.NewMat(), gocv.NewMat()
	defer func() { _ = errors.Join(bgr.Close(), small.Close(), i420.Close()) }() // the process ends
	data, err := bgr.DataPtrUint8()
	if err != nil {
		return err
	}
	var found []detect.Detection
	for {
		if _, err := io.ReadFull(frames, data); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		found = found[:0]
		for _, d := range set.Detectors {
			if d.Classes()&hide == 0 {
				continue
			}
			if found, err = infer(ctx, d, &bgr, &small, &i420, found); err != nil {
				return err
			}
		}
		for _, f := range found {
			if !hide.Has(f.Class) {
				continue
			}
			b := f.Box.Grow(0.1, 0.1)
			r := image.Rect(int(b.X0), int(b.Y0), int(b.X1), int(b.Y1)).Intersect(image.Rect(0, 0, w, h))
			if r.Empty() {
				continue
			}
			part := bgr.Region(r)
			if err := errors.Join(gocv.GaussianBlur(part, &part, image.Pt(75, 75), 0, 0, gocv.BorderDefault), part.Close()); err != nil {
				return err
			}
		}
		if _, err := done.Write(data); err != nil {
			return err
		}
	}
}

// infer makes the picture small and planar for a network and returns what it
// finds, in pixels of the picture.
func infer(ctx context.Context, d detect.Detector, bgr, small, i420 *gocv.Mat, found []detect.Detection) ([]detect.Detection, error) {
	size := image.Pt(bgr.Cols(), bgr.Rows())
	to := d.InputSize(size)
	err := errors.Join(gocv.Resize(*bgr, small, to, 0, 0, gocv.InterpolationLinear), gocv.CvtColor(*small, i420, gocv.ColorBGRToYUVI420))
	if err != nil {
		return found, err
	}
	data, err := i420.DataPtrUint8()
	if err != nil {
		return found, err
	}
	n, q := to.X*to.Y, to.X*to.Y/4
	first := len(found)
	found, err = d.Detect(ctx, &image.YCbCr{Y: data[:n], Cb: data[n : n+q], Cr: data[n+q : n+2*q],
		YStride: to.X, CStride: to.X / 2, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rectangle{Max: to}}, found)
	for i := range found[first:] {
		b := &found[first+i].Box
		*b = b.Scale(float32(size.X)/float32(to.X), float32(size.Y)/float32(to.Y))
	}
	return found, err
}
