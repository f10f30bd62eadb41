package homeassistant

import (
	"os"
	"testing"
)

// TestName: two cameras of one machine are two to the broker, which would otherwise end
// the one's connection whenever the other connects.
func TestName(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Skip("this machine has no name: ", err)
	}
	for name, id := range map[string]string{"": topicOf(host), "garage": "garage", "Front Door/#": "front_door__"} {
		m, err := New(Options{Broker: "tcp://127.0.0.1:1883", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		r := m.client.OptionsReader()
		if m.id != id || m.base != "hedge/"+id || r.ClientID() != "hedge-"+id || r.WillTopic() != "hedge/"+id+"/available" {
			t.Errorf("%q is %s, topics under %s, client %s", name, m.id, m.base, r.ClientID())
		}
	}
}
