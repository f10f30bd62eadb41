package ffmpeg

// Room is what a run of ffmpeg or ffprobe needs, beside its own libraries, its pipes and
// what the machine tells of itself. A library or parser that is taken over by a damaged
// recording or a camera is to have no more; see Options.Room.
type Room struct {
	// Reads is the file that is read, "" for a camera and for frames.
	Reads string
	// Writes is the file that is written, which is there already; "" if the pictures go
	// into a pipe.
	Writes string
	// Network: the input is a network camera. Nothing else may connect to anybody.
	Network bool
	// Devices: the input is a device of this machine, or one decodes or encodes it.
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

// roomOf is that of an encoder, which writes the file of that name, "" for none.
func (c codec) roomOf(writes string, room func(Room) []string) []string {
	if room == nil {
		return nil
	}
	return room(Room{Writes: writes, Devices: len(c.nodes) > 0})
}
