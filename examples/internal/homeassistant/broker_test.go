package homeassistant

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
)

// broker lets one client in, and tells of what comes from it.
type broker struct {
	t      *testing.T
	addr   string
	conn   chan net.Conn // of the client, once it is in
	topics chan string   // that it asked for
	online chan bool     // it is announced
	events chan string   // that it published
	acks   chan uint16   // of messages that it was sent
	done   chan struct{} // closed when it has gone
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{t: t, addr: "tcp://" + l.Addr().String(), conn: make(chan net.Conn, 1), topics: make(chan string, 16),
		online: make(chan bool, 1), events: make(chan string, 16), acks: make(chan uint16, 16), done: make(chan struct{})}
	go func() {
		defer close(b.done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for err == nil {
			err = b.answer(conn)
		}
	}()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-b.done
	})
	return b
}

// answer answers the next packet.
func (b *broker) answer(conn net.Conn) error {
	p, err := packets.ReadPacket(conn)
	if err != nil {
		return err
	}
	switch p := p.(type) {
	case *packets.ConnectPacket:
		err = packets.NewControlPacket(packets.Connack).Write(conn)
		b.conn <- conn
	case *packets.SubscribePacket:
		ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
		ack.MessageID, ack.ReturnCodes = p.MessageID, p.Qoss
		err = ack.Write(conn)
		b.topics <- p.Topics[0]
	case *packets.PublishPacket:
		ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		ack.MessageID = p.MessageID
		err = ack.Write(conn)
		switch {
		case strings.HasSuffix(p.TopicName, "/event"):
			b.events <- string(p.Payload)
		case string(p.Payload) == "online":
			b.online <- true
		}
	case *packets.PubackPacket:
		b.acks <- p.MessageID
	}
	return err
}

// client makes a client of the broker, does something to it, and runs it until the test ends.
func (b *broker) client(privacy func(bool), before func(*Client)) *Client {
	b.t.Helper()
	m, err := New(Options{Broker: b.addr, Name: "test", Prefix: "homeassistant", Privacy: privacy, State: func() State { return State{} }})
	if err != nil {
		b.t.Fatal(err)
	}
	before(m)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { m.Run(ctx) })
	b.t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return m
}

// got returns what comes.
func got[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("never: %s", what)
	}
	return v
}

// TestCommandsInOrder: commands are carried out one after the other, as they came; of those
// that come meanwhile the newest is.
func TestCommandsInOrder(t *testing.T) {
	b := newBroker(t)
	switched, goOn := make(chan bool, 16), make(chan struct{})
	b.client(func(on bool) { switched <- on; <-goOn }, func(*Client) {})
	conn, topic := got(t, "the client", b.conn), got(t, "its topic", b.topics)
	send := func(id uint16, text string) {
		t.Helper()
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.TopicName, p.Payload, p.Qos, p.MessageID = topic, []byte(text), 1, id
		if err := p.Write(conn); err != nil {
			t.Fatal(err)
		}
		if ack := got(t, "its answer to "+text, b.acks); ack != id {
			t.Errorf("message %d was confirmed, not %d", ack, id)
		}
	}
	send(1, "OFF")
	if got(t, "the first command", switched) {
		t.Error("switched on by OFF")
	}
	for i, text := range []string{"ON", "OFF", "nonsense", "ON"} {
		send(uint16(2+i), text)
	}
	select {
	case <-switched:
		t.Error("two commands at a time")
	default:
	}
	close(goOn)
	if !got(t, "the last command", switched) {
		t.Error("what came last was not done last")
	}
	send(6, "OFF")
	if got(t, "another command", switched) || len(switched) > 0 {
		t.Errorf("a command was carried out twice, or in the wrong order")
	}
}

// TestRingWhileAway: of rings while the broker is away the newest is told of when it is
// back, and once; one of long ago is not.
func TestRingWhileAway(t *testing.T) {
	for name, c := range map[string]struct {
		ago  time.Duration
		told []string
	}{"just now": {0, []string{"second"}}, "long ago": {ringWaits + time.Second, nil}} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(t)
			m := b.client(nil, func(m *Client) {
				for _, text := range []string{"first", "second"} {
					m.Event(eventlog.Event{Kind: "ring", Text: text})
				}
				m.Event(eventlog.Event{Kind: "camera", Text: "other"})
				m.rung = m.rung.Add(-c.ago)
			})
			got(t, "the announcement", b.online)
			told := func(want string) {
				t.Helper()
				if e := got(t, want, b.events); !strings.Contains(e, `"text":"`+want+`"`) {
					t.Errorf("told of %s, want %s", e, want)
				}
			}
			for _, want := range c.told {
				told(want)
			}
			m.tellRing()
			m.Event(eventlog.Event{Kind: "ring", Text: "third"})
			told("third")
		})
	}
}
