package homeassistant

import (
	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// store keeps copies of the messages that the broker has not confirmed. After a reconnect
// the library marks what is kept as sent once before; without copies it would write to
// messages that were published just now and are being sent.
type store struct{ *mqtt.MemoryStore }

// Put keeps a message.
func (s store) Put(key string, message packets.ControlPacket) {
	s.MemoryStore.Put(key, copyOf(message))
}

// Get returns a message that is kept, or nil.
func (s store) Get(key string) packets.ControlPacket { return copyOf(s.MemoryStore.Get(key)) }

// copyOf returns a message that the library may write to.
func copyOf(message packets.ControlPacket) packets.ControlPacket {
	if p, ok := message.(*packets.PublishPacket); ok {
		c := *p
		return &c
	}
	return message
}
