// Package homeassistant tells Home Assistant over MQTT what is hidden and what happens.
// No picture goes this way.
package homeassistant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
)

const (
	// publishEvery is how often the state is published.
	publishEvery = 5 * time.Second
	// publishWait is how long a message may take to be handed over.
	publishWait = 2 * time.Second
	// ringWaits is how long a ring is told of while the broker is away, once it is back.
	ringWaits = time.Minute
)

// Broker checks the address of a broker, such as tcp://host:1883.
func Broker(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("write the broker like tcp://homeassistant.local:1883")
	}
	switch u.Scheme {
	case "tcp", "mqtt", "ssl", "mqtts", "tls":
	default:
		return nil, fmt.Errorf("%q is no way to reach a broker: use tcp or ssl", u.Scheme)
	}
	if u.User != nil {
		return nil, errors.New("give the user name and the password as mqtt-user and mqtt-password, where they are not shown")
	}
	return u, nil
}

// Options say which broker is told what.
type Options struct {
	// Broker is its address. Without one there is no client.
	Broker, User, Password string
	// Name tells this camera from others of the same machine. It defaults to the
	// machine's name.
	Name string
	// Prefix is the topic under which Home Assistant looks for devices.
	Prefix string
	// Model is the name of the program.
	Model string
	// Privacy switches the hiding of everything on or off.
	Privacy func(on bool)
	// State returns what is published every five seconds.
	State func() State
}

// State is what Home Assistant shows. Its counts are those of the newest picture.
type State struct {
	People, Faces, Plates int
	Hidden                float64 // share of the picture, 0 to 1
	State                 string  // in two or three words
	// Private says that everything is hidden for privacy.
	Private bool
	// Seal says in two or three words how the seal on the policy is.
	Seal string
	// Problem says that something is wrong, RecordingProblem that nothing can be
	// recorded.
	Problem, RecordingProblem bool
}

// Client publishes to a broker. A nil *Client does nothing.
type Client struct {
	o      Options
	client mqtt.Client
	id     string // of this camera
	base   string // of our own topics
	// switched has the newest command to switch privacy that was not carried out yet.
	switched chan bool

	mu   sync.Mutex
	ring string    // the newest that the broker was not told of; "" if it was
	rung time.Time // when that was
}

// New returns nil if no broker is named. Nothing is sent before Run.
func New(o Options) (*Client, error) {
	if o.Broker == "" {
		return nil, nil
	}
	u, err := Broker(o.Broker)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	name := o.Name
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			name = "camera"
		}
	}
	m := &Client{o: o, id: topicOf(name), switched: make(chan bool, 1)}
	m.base = "hedge/" + m.id
	c := mqtt.NewClientOptions().AddBroker(u.String()).SetClientID("hedge-"+m.id).
		SetUsername(o.User).SetPassword(o.Password).
		SetWill(m.base+"/available", "offline", 1, true).
		SetStore(store{mqtt.NewMemoryStore()}).SetAutoReconnect(true).SetConnectRetry(true).SetConnectRetryInterval(publishEvery).
		SetConnectTimeout(publishEvery).SetWriteTimeout(publishWait).
		SetOrderMatters(true). // of two commands the later one counts
		SetOnConnectHandler(func(mqtt.Client) { m.announce() })
	m.client = mqtt.NewClient(c)
	return m, nil
}

// topicOf makes a name fit for a topic.
func topicOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
}

// Run publishes the state, and has commands carried out, until ctx ends.
func (m *Client) Run(ctx context.Context) {
	if m == nil {
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	over := make(chan struct{}) // no command comes any more
	defer close(over)
	group.Go(func() { m.obey(over) })
	m.client.Connect() // goes on trying by itself
	t := time.NewTicker(publishEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			m.publish("available", true, "offline")
			m.client.Disconnect(uint(publishWait.Milliseconds() / 4))
			return
		case <-t.C:
			m.state()
		}
	}
}

// entity is one thing that Home Assistant shows, by its MQTT discovery
// (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).
type entity struct {
	component, name, field, unit, class, icon string
}

var entities = []entity{
	{"sensor", "People hidden", "people", "", "", "mdi:account-off"},
	{"sensor", "Faces hidden", "faces", "", "", "mdi:emoticon-outline"},
	{"sensor", "Plates hidden", "plates", "", "", "mdi:car-off"},
	{"sensor", "Picture hidden", "hidden", "%", "", "mdi:blur"},
	{"sensor", "State", "state", "", "", "mdi:cctv"},
	{"sensor", "Seal on the zones", "seal", "", "", "mdi:seal"},
	{"binary_sensor", "Problem", "problem", "", "problem", ""},
	{"binary_sensor", "Recording problem", "recording_problem", "", "problem", "mdi:harddisk"},
}

// announce tells Home Assistant of the device, once connected.
func (m *Client) announce() {
	device := map[string]any{"identifiers": []string{"hedge_" + m.id}, "name": "Hedge " + m.id, "manufacturer": "Hedge", "model": m.o.Model}
	for _, e := range entities {
		config := map[string]any{
			"name": e.name, "unique_id": "hedge_" + m.id + "_" + e.field, "device": device,
			"state_topic": m.base + "/state", "availability_topic": m.base + "/available",
			"value_template": "{{ value_json." + e.field + " }}",
		}
		for key, value := range map[string]string{"unit_of_measurement": e.unit, "device_class": e.class, "icon": e.icon} {
			if value != "" {
				config[key] = value
			}
		}
		m.discovery(e.component, e.field, config)
	}
	m.discovery("event", "event", map[string]any{
		"name": "Event", "unique_id": "hedge_" + m.id + "_event", "device": device,
		"state_topic": m.base + "/event", "availability_topic": m.base + "/available",
		"event_types": []string{"ring", "other"}, "icon": "mdi:bell",
	})
	if m.o.Privacy != nil {
		m.discovery("switch", "privacy", map[string]any{
			"name": "Privacy", "unique_id": "hedge_" + m.id + "_privacy", "device": device,
			"state_topic": m.base + "/state", "availability_topic": m.base + "/available",
			"value_template": "{{ value_json.private }}", "command_topic": m.base + "/privacy/set", "icon": "mdi:eye-off",
		})
		m.client.Subscribe(m.base+"/privacy/set", 1, func(_ mqtt.Client, msg mqtt.Message) { m.command(msg.Retained(), string(msg.Payload())) })
	}
	m.publish("available", true, "online")
	m.state()
	m.tellRing()
}

// command is told of a message that switches privacy, one after the other, and must not
// wait. Of those that come faster than they are carried out the newest counts. One that the
// broker had kept from before is not of now.
func (m *Client) command(kept bool, text string) {
	if kept || text != "ON" && text != "OFF" {
		return
	}
	for {
		select {
		case m.switched <- text == "ON":
			return
		default:
		}
		select {
		case <-m.switched:
		default:
		}
	}
}

// obey carries out commands until it is over, and the one that has come by then.
func (m *Client) obey(over <-chan struct{}) {
	for ended := false; !ended; {
		select {
		case <-over:
			ended = true
		case on := <-m.switched:
			m.o.Privacy(on)
			m.state()
		}
	}
	select {
	case on := <-m.switched:
		m.o.Privacy(on)
	default:
	}
}

func (m *Client) discovery(component, field string, config map[string]any) {
	m.client.Publish(m.o.Prefix+"/"+component+"/hedge_"+m.id+"/"+field+"/config", 1, true, jsonOf(config))
}

// state publishes what is hidden just now.
func (m *Client) state() {
	s, onOff := m.o.State(), map[bool]string{true: "ON", false: "OFF"}
	m.publish("state", false, jsonOf(map[string]any{
		"people": s.People, "faces": s.Faces, "plates": s.Plates, "hidden": int(100*s.Hidden + 0.5),
		"state": s.State, "private": onOff[s.Private], "seal": s.Seal, "problem": onOff[s.Problem], "recording_problem": onOff[s.RecordingProblem],
	}))
}

// Event publishes an event. It waits two seconds at most. The newest ring is published up to
// a minute later, if the broker is away.
func (m *Client) Event(e eventlog.Event) {
	if m == nil {
		return
	}
	kind := "other"
	if e.Kind == "ring" {
		kind = "ring"
	}
	text := jsonOf(map[string]any{"event_type": kind, "kind": e.Kind, "text": e.Text, "time": e.Time})
	if kind == "other" {
		m.publish("event", false, text)
		return
	}
	m.mu.Lock()
	m.ring, m.rung = text, time.Now()
	m.mu.Unlock()
	m.tellRing()
}

// tellRing publishes the ring that the broker was not told of, if it is there and the ring
// was not long ago.
func (m *Client) tellRing() {
	if !m.client.IsConnectionOpen() {
		return
	}
	m.mu.Lock()
	text := m.ring
	if time.Since(m.rung) > ringWaits {
		text = ""
	}
	m.ring = ""
	m.mu.Unlock()
	if text != "" {
		m.publish("event", false, text)
	}
}

// jsonOf writes what has only strings, numbers and times in it.
func jsonOf(value any) string {
	data, _ := json.Marshal(value) // of such it can write all
	return string(data)
}

// publish hands a message over, if the broker is there. What the broker does
// not get it can do without: the next state comes soon.
func (m *Client) publish(topic string, retained bool, text string) {
	if !m.client.IsConnectionOpen() {
		return
	}
	m.client.Publish(m.base+"/"+topic, 1, retained, text).WaitTimeout(publishWait)
}
