package ffmpeg

import (
	"slices"
	"strings"
)

// turns are the filters that turn pictures clockwise, by the angle.
var turns = map[int][]string{
	0:   {},
	90:  {"transpose=clock"},
	180: {"hflip", "vflip"},
	270: {"transpose=cclock"},
}

// filters returns what is done to each decoded picture.
func filters(in input, o Options, info Info) []string {
	f := slices.Clone(info.decoder.filters)
	if o.MaxRate > 0 {
		f = append(f, rateLimit(o.MaxRate, in.live() || o.RealTime))
	}
	if info.Interlaced {
		// Pictures that are not marked as interlaced pass as they are.
		f = append(f, arrivedName+"=checksum=0", "bwdif=mode=send_frame:deint=interlaced")
	}
	f = append(f, info.orientation.filters()...)
	f = append(f, turns[o.Rotate]...)
	f = append(f, showinfoName+"=checksum=0")
	if info.ToneMapped != "" {
		f = append(f, toneMap(info.ToneMapped)...)
	}
	scale := "scale=out_range=tv"
	if info.Color.Matrix == rgbMatrix && info.PixelFormat != "" {
		s := probeStream{Pixels: info.PixelFormat}
		if s.rgb() {
			scale += ":out_color_matrix=" + rgbMatrix
		}
	}
	return append(f, scale, "format=yuv420p")
}

// hdr reports whether a transfer characteristic is one of high dynamic range: PQ
// and HLG of ITU-R BT.2100.
func hdr(transfer string) bool { return transfer == "smpte2084" || transfer == "arib-std-b67" }

// toneMap returns the filters that bring a picture of high dynamic range to
// BT.709. White of 203 cd/m2 is that of ITU-R BT.2408; mobius leaves what is darker
// as it is and rolls off what is brighter. BT.2100 stands in for what the input does
// not say.
func toneMap(transfer string) []string {
	return []string{
		"zscale=tin=" + transfer + ":min=bt2020nc:pin=bt2020:t=linear:npl=203", "format=gbrpf32le",
		"zscale=p=bt709", "tonemap=mobius:desat=0", "zscale=t=bt709:m=bt709:p=bt709:r=tv", "format=yuv420p",
	}
}

// rateLimit returns the filter that leaves out pictures beyond max per second. It is
// the generic cell rate algorithm (ITU-T I.371): a picture passes if it is not more
// than a tolerance before its turn, and then puts the turn of the next one back by a
// period. So rounded or shaken time stamps cost no picture of a source that keeps to
// the rate.
//
// A time stamp that goes back, or is far before the turn, begins the count anew.
// Time stamps of a live source that do not move say nothing: the time at which a
// picture arrives takes their place, with a tolerance for delays of the network.
//
// Register 0 of the expression is the next turn by time stamps, register 1 that by
// arrival, in seconds.
func rateLimit(most float64, live bool) string {
	const tolerance, heldUp, slack = "0.15", "3", 1.02
	still := "1"
	if live {
		still = "lte(ld(1),time(0)+" + heldUp + ")"
	}
	e := strings.NewReplacer("PERIOD", number64(1/(most*slack)), "EARLY", tolerance, "STILL", still).Replace(
		"0*if(lte(t,prev_t)+gt(ld(0)-t,PERIOD+1),st(0,t))" +
			"+if(if(isnan(t)+lte(t,prev_t),STILL,lte(ld(0),t+EARLY))," +
			"1+0*st(0,if(isnan(t),ld(0),max(ld(0),t)+PERIOD))+0*st(1,max(ld(1),time(0))+PERIOD))")
	return "select=" + strings.ReplaceAll(e, ",", "\\,")
}
