package stream

import (
	"bytes"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
)

// TestPacketizer: the packets of a unit carry its NAL units, none is larger than allowed,
// the last has the marker, and numbers and time stamps wrap round.
func TestPacketizer(t *testing.T) {
	first := uint16(65530)
	p, err := NewPacketizer(PacketizerOptions{PayloadType: 102, MaxPayload: 1160, First: &first})
	if err != nil {
		t.Fatal(err)
	}
	var dec rtph264.Decoder
	dec.PacketizationMode = 1
	if err := dec.Init(); err != nil {
		t.Fatal(err)
	}
	u := &Unit{Time: 27 * time.Hour, Data: [][]byte{{0x67, 1, 2}, {0x68, 3}, append([]byte{0x65}, make([]byte, 10*1160)...)}}
	packets, err := p.Packets(u)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	for i, packet := range packets {
		if len(packet.Payload) > 1160 || packet.PayloadType != 102 || packet.Marker != (i == len(packets)-1) ||
			packet.SequenceNumber != first+uint16(i) || packet.Timestamp != uint32(27*3600*90000%(1<<32)) {
			t.Errorf("packet %d: %v, %d bytes", i, packet.Header, len(packet.Payload))
		}
		if units, err := dec.Decode(packet); err == nil {
			got = append(got, units...)
		}
	}
	if len(packets) < 8 || len(got) != 3 {
		t.Fatalf("%d packets, %d NAL units", len(packets), len(got))
	}
	for i := range got {
		if !bytes.Equal(got[i], u.Data[i]) {
			t.Errorf("NAL unit %d of %d bytes is another one", i, len(got[i]))
		}
	}
}
