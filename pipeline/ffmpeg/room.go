package ffmpeg

// Room is what ffmpeg and ffprobe need for one input, beside their own libraries, their
// pipes and what the machine tells of itself. A library or parser that is taken over by a
// damaged recording or a camera is to have no more; see Options.Room.
type Room struct {
	// Reads is the file that is read, "" for a camera.
	Reads string
	// Network: the input is a network camera. Nothing else may connect to anybody.
	Network bool
	// Devices: the input is a device of this machine, or one decodes it.
	Devices bool
}

// room returns the command that is to be put before the programs'.
func (o *Options) room(in input) []string {
	if o.Room == nil {
		return nil
	}
	return o.Room(Room{
		Reads: in.path, Network: in.kind == kindRTSP || in.kind == kindHTTP,
		Devices: in.kind == kindDevice || o.Decoder != "" && o.Decoder != SoftwareDecoder,
	})
}
