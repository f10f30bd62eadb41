package stream

import (
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/pion/rtp"
)

// Packetizer makes RTP packets of units, as RFC 6184 has it. It is used by one goroutine.
type Packetizer struct{ enc rtph264.Encoder }

// PacketizerOptions say what packets are like. Zero values take their default.
type PacketizerOptions struct {
	// PayloadType defaults to 96.
	PayloadType uint8
	// MaxPayload is the most bytes of a payload. It defaults to 1450.
	MaxPayload int
	// First is the first sequence number. It defaults to a random one.
	First *uint16
}

// NewPacketizer returns a Packetizer. Its error is one of the source of random numbers.
func NewPacketizer(o PacketizerOptions) (*Packetizer, error) {
	if o.PayloadType == 0 {
		o.PayloadType = 96
	}
	p := &Packetizer{rtph264.Encoder{PayloadType: o.PayloadType, PayloadMaxSize: o.MaxPayload, InitialSequenceNumber: o.First, PacketizationMode: 1}}
	if err := p.enc.Init(); err != nil {
		return nil, fmt.Errorf("stream: make packets: %w", err)
	}
	return p, nil
}

// Packets returns the packets of a unit; the last has the marker. Their time stamp is the
// unit's own time in ticks of ClockRate, without an offset: who knows the clock of the
// camera can compute how late a picture is. It wraps round after 13 hours, sequence numbers
// after 65,536 packets.
func (p *Packetizer) Packets(u *Unit) ([]*rtp.Packet, error) {
	packets, err := p.enc.Encode(u.Data)
	if err != nil {
		return nil, fmt.Errorf("stream: make packets: %w", err)
	}
	at := uint32(Ticks(u.Time))
	for _, packet := range packets {
		packet.Timestamp = at
	}
	return packets, nil
}
