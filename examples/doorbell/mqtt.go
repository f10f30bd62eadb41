package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	// mqttEvery is how often the state is published.
	mqttEvery = 5 * time.Second
	// mqttWait is how long a message may take to be handed over.
	mqttWait = 2 * time.Second
)

// brokerOf checks the address of a broker.
func brokerOf(address string) (*url.URL, error) {
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

// mqttClient tells Home Assistant what is hidden, and of events. No picture goes
// this way. A nil *mqttClient does nothing.
type mqttClient struct {
	a      *app
	client mqtt.Client
	prefix string // of discovery
	id     string // of this machine
	base   string // of our own topics
}

// newMQTT returns nil if no broker is configured.
func newMQTT(c *config, a *app) (*mqttClient, error) {
	if c.MQTT == "" {
		return nil, nil
	}
	u, err := brokerOf(c.MQTT)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "camera"
	}
	m := &mqttClient{a: a, prefix: c.MQTTPrefix, id: topicOf(host)}
	m.base = "hedge/" + m.id
	o := mqtt.NewClientOptions().AddBroker(u.String()).SetClientID("hedge-"+m.id).
		SetUsername(c.MQTTUser).SetPassword(string(c.MQTTPassword)).
		SetWill(m.base+"/available", "offline", 1, true).
		SetAutoReconnect(true).SetConnectRetry(true).SetConnectRetryInterval(mqttEvery).
		SetConnectTimeout(mqttEvery).SetWriteTimeout(mqttWait).SetOrderMatters(false).
		SetOnConnectHandler(func(mqtt.Client) { m.announce() })
	m.client = mqtt.NewClient(o)
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

// run publishes the state until ctx ends.
func (m *mqttClient) run(ctx context.Context) {
	if m == nil {
		return
	}
	m.client.Connect() // goes on trying by itself
	t := time.NewTicker(mqttEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			m.publish("available", true, "offline")
			m.client.Disconnect(uint(mqttWait.Milliseconds() / 4))
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
	{"binary_sensor", "Problem", "problem", "", "problem", ""},
	{"binary_sensor", "Recording problem", "recording_problem", "", "problem", "mdi:harddisk"},
}

// announce tells Home Assistant of the device, once connected.
func (m *mqttClient) announce() {
	device := map[string]any{"identifiers": []string{"hedge_" + m.id}, "name": "Hedge " + m.id, "manufacturer": "Hedge", "model": program}
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
	m.publish("available", true, "online")
	m.state()
}

func (m *mqttClient) discovery(component, field string, config map[string]any) {
	data, err := json.Marshal(config)
	if err != nil {
		return // of strings only: cannot happen
	}
	m.client.Publish(m.prefix+"/"+component+"/hedge_"+m.id+"/"+field+"/config", 1, true, data)
}

// state publishes what is hidden just now.
func (m *mqttClient) state() {
	s := m.a.status()
	problem, recording := mqttProblems(s)
	m.publishJSON("state", map[string]any{
		"people": s.Hidden.People, "faces": s.Hidden.Faces, "plates": s.Hidden.Plates,
		"hidden": int(100*s.Hidden.Share + 0.5), "state": s.State, "problem": problem, "recording_problem": recording,
	})
}

// mqttProblems returns whether there is a problem, and whether there is one with
// the recordings, as Home Assistant has it.
func mqttProblems(s status) (problem, recording string) {
	word := map[bool]string{true: "ON", false: "OFF"}
	return word[s.Kind == "bad"], word[s.Recording != nil && s.Recording.Problem != ""]
}

// event publishes an event. It waits a little at most.
func (m *mqttClient) event(e event) {
	if m == nil {
		return
	}
	kind := "other"
	if e.Kind == "ring" {
		kind = "ring"
	}
	m.publishJSON("event", map[string]any{"event_type": kind, "kind": e.Kind, "text": e.Text, "time": e.Time})
}

func (m *mqttClient) publishJSON(topic string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		return // of strings and numbers only: cannot happen
	}
	m.publish(topic, false, string(data))
}

// publish hands a message over, if the broker is there. What the broker does
// not get it can do without: the next state comes soon.
func (m *mqttClient) publish(topic string, retained bool, text string) {
	if !m.client.IsConnectionOpen() {
		return
	}
	m.client.Publish(m.base+"/"+topic, 1, retained, text).WaitTimeout(mqttWait)
}
