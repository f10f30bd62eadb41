package ffmpeg

import (
	"os"

	"github.com/bep/imagemeta"
)

// orientation is how a picture was stored: EXIF's number, 1 to 8, 0 if unknown.
type orientation int

// uprights are the filters that put a picture upright (CIPA DC-008, Orientation).
var uprights = [...][]string{
	2: {"hflip"},
	3: {"hflip", "vflip"},
	4: {"vflip"},
	5: {"transpose=cclock_flip"},
	6: {"transpose=clock"},
	7: {"transpose=clock_flip"},
	8: {"transpose=cclock"},
}

func (o orientation) filters() []string {
	if o < 0 || int(o) >= len(uprights) {
		return nil
	}
	return uprights[o]
}

// degrees returns the angle clockwise, for information; a mirrored picture counts
// as turned only.
func (o orientation) degrees() int {
	switch o {
	case 3, 4:
		return 180
	case 5, 6:
		return 90
	case 7, 8:
		return 270
	}
	return 0
}

// stillFormats are ffmpeg's names of the formats whose EXIF is read.
var stillFormats = map[string]imagemeta.ImageFormat{
	"mjpeg": imagemeta.JPEG, "png": imagemeta.PNG, "webp": imagemeta.WebP, "tiff": imagemeta.TIFF,
}

// readOrientation returns what a picture file's EXIF says. What cannot be read
// counts as upright, as it does for every viewer.
func readOrientation(path, codec string) (o orientation) {
	format, ok := stillFormats[codec]
	if !ok {
		return 0
	}
	f, err := os.Open(path)
	if err != nil {
		return 0 // the decoder says more about it
	}
	defer func() { _ = f.Close() }() // only read
	// Its panics are turned into errors; a tag found before an error counts.
	_ = imagemeta.Decode(imagemeta.Options{
		R: f, ImageFormat: format, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return t.Tag == "Orientation" && t.Namespace == "IFD0" },
		HandleTag: func(t imagemeta.TagInfo) error {
			if v, ok := t.Value.(uint16); ok && v <= 8 {
				o = orientation(v)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return o
}
