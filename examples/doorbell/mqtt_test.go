package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/internal/closedport"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// broker is an MQTT broker that listens, and sends what a test has it send.
type broker struct {
	addr string

	mu       sync.Mutex
	connect  *packets.ConnectPacket
	messages map[string]*packets.PublishPacket // the newest by topic
	events   []string                          // all that were told
	clients  int
	conn     net.Conn // of the newest client
	topics   []string // that were asked for
	deaf     bool     // it lets clients connect, and answers nothing else
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
			if strings.HasSuffix(p.TopicName, "/event") {
				b.events = append(b.events, string(p.Payload))
			}
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
			var err error
			b.mu.Lock()
			if _, connects := p.(*packets.ConnectPacket); connects || !b.deaf {
				err = reply.Write(conn)
			}
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
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.ContainsFunc(b.events, func(e string) bool { return strings.Contains(e, `"event_type":"ring"`) })
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

// knocked is a camera that shows one place and then another. It is as fast as the pipeline,
// which waits for nobody.
type knocked struct {
	a      *app
	places [2][]byte
	n      int
}

const knockedW, knockedH, knockedAt, knockedFrames = 320, 240, 60, 200

func newKnocked(a *app) *knocked {
	k := &knocked{a: a}
	for i := range k.places {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		k.places[i] = bytes.Repeat([]byte{120}, knockedW*knockedH)
		for range 400 {
			x, y, w, h, v := r.IntN(knockedW-40), r.IntN(knockedH-40), 6+r.IntN(30), 6+r.IntN(30), byte(30+r.IntN(190))
			for j := y; j < y+h; j++ {
				copy(k.places[i][j*knockedW+x:], bytes.Repeat([]byte{v}, w))
			}
		}
	}
	return k
}

// Read implements pipeline.Source.
func (k *knocked) Read(ctx context.Context, b *pipeline.Buffer) error {
	for k.a.pipe.Stats().Stages[0].Count < uint64(k.n) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Microsecond):
		}
	}
	if k.n == knockedFrames {
		return io.EOF
	}
	pic := b.Resize(knockedW, knockedH)
	copy(pic.Y, k.places[min(k.n/knockedAt, 1)])
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = 128, 128
	}
	b.Time = time.Duration(k.n) * 40 * time.Millisecond
	k.n++
	return nil
}

// TestMQTTHangs: while a broker answers nothing, so that events are lost behind it, the note
// that the owner has to confirm is kept before the next picture goes out.
func TestMQTTHangs(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.deaf = true
	path := filepath.Join(t.TempDir(), "policy.json")
	writeFile(t, path, `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"strip":[[[0,0],[1,0],[1,0.2],[0,0.2]]]}`)
	a, _ := open(t, nil, "-source", "camera:0", "-policy", path, "-mqtt", b.addr, "-lookahead", "0s")
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { a.mqtt.Run(ctx) })
	t.Cleanup(func() {
		b.mu.Lock()
		b.deaf = false
		_ = b.conn.Close() // the client comes back, and is answered
		b.mu.Unlock()
		cancel()
		group.Wait()
	})
	eventually(t, "the broker is told something", func() bool { return b.message("/config") != nil })
	eventually(t, "events are lost", func() bool {
		for range 100 {
			a.log.Add("test", "one of many")
		}
		_, dropped := a.log.Counts()
		return dropped > 100
	})
	var shown [2]int // before and after the knock
	noted, unnoted := 0, 0
	err := a.pipe.Run(t.Context(), newKnocked(a), pipeline.SinkFunc(func(_ context.Context, f redact.Frame) error {
		if !f.Hidden() {
			shown[min(int(f.Time()/(knockedAt*40*time.Millisecond)), 1)]++
		}
		if a.closedBecause().AwaitsOwner() {
			kept, err := view.Load(path)
			if err != nil || !kept.Unconfirmed.AwaitsOwner() {
				unnoted++
			}
			noted++
		}
		return nil
	}))
	if err != nil || shown[0] == 0 || shown[1] > 0 {
		t.Errorf("%v; frames shown before and after the knock: %v", err, shown)
	}
	if noted == 0 || unnoted > 0 {
		t.Errorf("of %d frames after the owner was asked %d went out before that was written down", noted, unnoted)
	}
}
