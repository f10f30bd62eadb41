package homeassistant

import (
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// TestStoreCopies: what the library writes to a message that is kept, or to one that it
// sends, is nowhere else.
func TestStoreCopies(t *testing.T) {
	s := store{mqtt.NewMemoryStore()}
	s.Open()
	sent, ok := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	if !ok {
		t.Fatal("not a message")
	}
	sent.Qos, sent.MessageID, sent.TopicName, sent.Payload = 1, 7, "hedge/door/state", []byte("{}")
	s.Put("o.7", sent)
	kept, ok := s.Get("o.7").(*packets.PublishPacket)
	if !ok || kept == sent || kept.Qos != 1 || kept.MessageID != 7 || kept.TopicName != sent.TopicName || string(kept.Payload) != "{}" {
		t.Fatalf("%v is kept as %v", sent, kept)
	}
	kept.Dup = true
	sent.RemainingLength = 12
	again, ok := s.Get("o.7").(*packets.PublishPacket)
	if !ok || again.Dup || again.RemainingLength != 0 || sent.Dup {
		t.Errorf("%v and %v after the one that was got was marked", again, sent)
	}
	if s.Get("o.8") != nil {
		t.Error("a message that nobody kept")
	}
}
