package main

import (
	"encoding/json"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/hedgecam/hedge/internal/closedport"
)

// broker is an MQTT broker that listens, and sends what a test has it send.
type broker struct {
	addr string

	mu       sync.Mutex
	connect  *packets.ConnectPacket
	messages map[string]*packets.PublishPacket // the newest by topic
	clients  int
	conn     net.Conn // of the newest client
	topics   []string // that were asked for
}

// newBroker starts a broker. Its connections end with their clients.
func newBroker(t *testing.T) *broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{addr: "tcp://" + l.Addr().String(), messages: map[string]*packets.PublishPacket{}}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { b.serve(conn) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close the broker: %v", err)
		}
		group.Wait()
	})
	return b
}

func (b *broker) serve(conn net.Conn) {
	defer conn.Close()
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		var reply packets.ControlPacket
		switch p := p.(type) {
		case *packets.ConnectPacket:
			b.mu.Lock()
			b.connect = p
			b.clients++
			b.conn = conn
			b.mu.Unlock()
			reply = packets.NewControlPacket(packets.Connack)
		case *packets.PublishPacket:
			b.mu.Lock()
			b.messages[p.TopicName] = p
			b.mu.Unlock()
			if p.Qos == 1 {
				ack, ok := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
				if !ok {
					return
				}
				ack.MessageID = p.MessageID
				reply = ack
			}
		case *packets.SubscribePacket:
			b.mu.Lock()
			b.topics = append(b.topics, p.Topics...)
			b.mu.Unlock()
			ack, ok := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			if !ok {
				return
			}
			ack.MessageID, ack.ReturnCodes = p.MessageID, p.Qoss
			reply = ack
		case *packets.PingreqPacket:
			reply = packets.NewControlPacket(packets.Pingresp)
		case *packets.DisconnectPacket:
			return
		}
		if reply != nil {
			b.mu.Lock()
			err := reply.Write(conn)
			b.mu.Unlock()
			if err != nil {
				return
			}
		}
	}
}

// message returns the newest message of the topic that ends so, nil if none came.
func (b *broker) message(end string) *packets.PublishPacket {
	b.mu.Lock()
	defer b.mu.Unlock()
	for topic, m := range b.messages {
		if strings.HasSuffix(topic, end) {
			return m
		}
	}
	return nil
}

// TestMQTT: Home Assistant is told what there is, what is hidden, and of the
// ring, and never gets a picture.
func TestMQTT(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	a, _ := start(t, "-source", "file:"+clip(t), "-preset", "doorbell", "-mqtt", b.addr, "-mqtt-user", "hedge", "-mqtt-password", "hush")
	eventually(t, "the device is announced", func() bool { return b.message("/available") != nil && b.message("/state") != nil })
	b.mu.Lock()
	c := b.connect
	b.mu.Unlock()
	if c.Username != "hedge" || string(c.Password) != "hush" || !c.WillFlag || string(c.WillMessage) != "offline" || !c.WillRetain {
		t.Errorf("connected with %+v", c)
	}
	for _, field := range []string{"people", "faces", "plates", "hidden", "state", "problem", "event", "privacy"} {
		m := b.message("/" + field + "/config")
		if m == nil {
			t.Errorf("%s is not announced", field)
			continue
		}
		var config struct {
			UniqueID   string `json:"unique_id"`
			StateTopic string `json:"state_topic"`
			Device     struct {
				Identifiers []string `json:"identifiers"`
			} `json:"device"`
		}
		if err := json.Unmarshal(m.Payload, &config); err != nil || !m.Retain || !strings.HasPrefix(m.TopicName, "homeassistant/") ||
			!strings.HasSuffix(config.UniqueID, "_"+field) || !strings.HasPrefix(config.StateTopic, "hedge/") || len(config.Device.Identifiers) != 1 {
			t.Errorf("%s is announced as %s in %s (%v)", field, m.Payload, m.TopicName, err)
		}
	}
	a.bell.ring()
	eventually(t, "the ring is told of", func() bool {
		m := b.message("/event")
		return m != nil && strings.Contains(string(m.Payload), `"event_type":"ring"`)
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	for topic, m := range b.messages {
		if len(m.Payload) > 2000 || strings.Contains(string(m.Payload), "\xff\xd8") || strings.Contains(string(m.Payload), a.token) {
			t.Errorf("%s carries %d bytes", topic, len(m.Payload))
		}
	}
}

// TestMQTTAway: a broker that is not there delays nothing.
func TestMQTTAway(t *testing.T) {
	t.Parallel()
	a, out := start(t, "-source", "file:"+clip(t), "-mqtt", "tcp://"+closedport.Hold(t))
	eventually(t, "pictures and events come", func() bool { return a.gate.last().Frames > 10 && strings.Contains(out.String(), "connected") })
}
