package ffmpeg

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// decoder is a way to decode H.264 and H.265 in hardware.
type decoder struct {
	name string
	// nodes are the devices it needs, as patterns of file names.
	nodes []string
	// args come before the input, with CODEC in place of h264 or hevc and DEVICE in
	// place of the first node; filters bring pictures into memory. Without the device
	// they fail, and ffmpeg does not decode in software in secret.
	args, filters []string
}

const codecWord = "CODEC"

var decoders = []decoder{
	{name: "v4l2m2m", nodes: []string{"/dev/video[0-9]*"}, args: []string{"-c:v", codecWord + "_v4l2m2m"}},
	{name: "rkmpp", nodes: []string{"/dev/mpp_service"},
		args:    []string{"-hwaccel", "rkmpp", "-hwaccel_output_format", "drm_prime", "-c:v", codecWord + "_rkmpp"},
		filters: []string{"hwdownload", "format=nv12|p010le"}},
	{name: "vaapi", nodes: []string{"/dev/dri/renderD[0-9]*"},
		args: []string{"-hwaccel", "vaapi", "-hwaccel_device", deviceWord, "-hwaccel_output_format", "vaapi",
			"-hwaccel_flags", "allow_profile_mismatch"},
		filters: []string{"hwdownload", "format=nv12|p010le"}},
}

// decoderOf returns the decoder of a name; in software it has none.
func decoderOf(name string) (decoder, error) {
	if name == "" || name == SoftwareDecoder {
		return decoder{}, nil
	}
	i := slices.IndexFunc(decoders, func(d decoder) bool { return d.name == name })
	if i < 0 {
		return decoder{}, fmt.Errorf("ffmpeg: %w: Decoder %q is none of %s, %s", ErrOptions, name, SoftwareDecoder, strings.Join(Decoders(), ", "))
	}
	return decoders[i], nil
}

// SoftwareDecoder is the decoder that needs no device.
const SoftwareDecoder = "software"

// Decoders are the names of the decoders in hardware.
func Decoders() (list []string) {
	for _, d := range decoders {
		list = append(list, d.name)
	}
	return list
}

// HasDecoder reports whether this machine has the device that a decoder needs: whether to
// try it makes sense at all.
func HasDecoder(name string) bool {
	d, err := decoderOf(name)
	_, ok := firstNode(d.nodes)
	return err == nil && ok
}

// of returns the decoder for what an input has: none if that is neither H.264 nor H.265.
func (d decoder) of(codec string) decoder {
	if d.name == "" || codec != "h264" && codec != "hevc" {
		return decoder{}
	}
	d.args = slices.Clone(d.args)
	device, _ := firstNode(d.nodes)
	for i := range d.args {
		d.args[i] = strings.Replace(strings.Replace(d.args[i], codecWord, codec, 1), deviceWord, device, 1)
	}
	return d
}

// check says that a device is missing.
func (d decoder) check() error {
	if _, ok := firstNode(d.nodes); !ok {
		return fmt.Errorf("ffmpeg: decoder %s: %w: %s", d.name, fs.ErrNotExist, strings.Join(d.nodes, ", "))
	}
	return nil
}

// decoder refuses one that is not known, or whose device is not there.
func (o *Options) decoder() error {
	d, err := decoderOf(o.Decoder)
	if err != nil {
		return err
	}
	return d.check()
}

// decodeBy enters what decodes.
func (i *Info) decodeBy(name string) error {
	d, err := decoderOf(name)
	if err != nil {
		return err
	}
	i.decoder, i.Decoder = d.of(i.Codec), SoftwareDecoder
	if i.decoder.name != "" {
		i.Decoder = i.decoder.name
	}
	return nil
}
