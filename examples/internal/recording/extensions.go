package recording

import (
	"path/filepath"
	"strings"
)

// Extensions are those of recordings, in lower case, with a space before and after each.
const Extensions = " .mp4 .m4v .mov .mkv .webm .avi .ts .mts .m2ts .m2t .mpg .mpeg .m2v .vob .mod .tod .3gp .3g2 .flv" +
	" .f4v .wmv .asf .ogv .mxf .dv .h264 .264 .h265 .265 .hevc .mjpeg .mjpg .insv .lrv "

// HasExtension reports whether a file is a recording, by its name.
func HasExtension(name string) bool {
	ext := filepath.Ext(name)
	return ext != "" && strings.Contains(Extensions, " "+strings.ToLower(ext)+" ")
}
