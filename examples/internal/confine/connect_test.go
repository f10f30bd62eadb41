package confine

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// connectEnv has, for a child of the test, the address that it needs; connectOther has
// another one.
const connectEnv, connectOther = "HEDGE_TEST_CONNECT", "HEDGE_TEST_CONNECT_OTHER"

// tryConnect gives up everything but an address, and says whom it reaches.
func tryConnect() {
	needed, other := os.Getenv(connectEnv), os.Getenv(connectOther)
	Enable()
	if err := (Confinement{Confine: true, ConfineRead: true}).Process(Needs{Connects: []string{"", "rtsp://" + needed + "/path"}}); err != nil {
		fmt.Println(err)
		return
	}
	paths := &net.Dialer{}
	paths.SetMultipathTCP(true)
	for _, d := range []*net.Dialer{{}, paths} {
		for _, to := range []string{needed, other} {
			c, err := d.DialContext(context.Background(), "tcp", to)
			if err == nil {
				_ = c.Close()
			}
			fmt.Printf("%s: %t\n", to, err == nil)
		}
	}
}

// TestConnect: a program that needs others on the network connects to their ports and to no
// other.
func TestConnect(t *testing.T) {
	if v := Version(); v < 4 {
		t.Skipf("this kernel has Landlock %d; 4 (Linux 6.7) is needed to keep a program from connecting", v)
	}
	var addrs []string
	for range 2 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		addrs = append(addrs, l.Addr().String())
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = []string{connectEnv + "=" + addrs[0], connectOther + "=" + addrs[1]}
	out, err := cmd.CombinedOutput()
	want := strings.Repeat(addrs[0]+": true\n"+addrs[1]+": false\n", 2)
	if err != nil || string(out) != want {
		t.Errorf("%v: %s, want %s", err, out, want)
	}
}

// TestPorts: the ports are those of the addresses, or those that their kind has; where they
// cannot be told all are open.
func TestPorts(t *testing.T) {
	for _, name := range proxies {
		t.Setenv(name, "")
	}
	for _, tt := range []struct {
		needs Needs
		proxy string
		ports []uint16
		all   bool
	}{
		{Needs{}, "http://proxy:3128", nil, false},
		{Needs{Connects: []string{""}, Resolves: true}, "", nil, false},
		{Needs{Connects: []string{"rtsp://user:pass@10.0.0.9/stream"}}, "", []uint16{554}, false},
		{Needs{Connects: []string{"rtsp://camera:8554/stream", "tcp://broker:1884"}, Resolves: true}, "", []uint16{8554, 1884, 53}, false},
		{Needs{Connects: []string{"http://[fe80::1]:8081/"}}, "", []uint16{8081}, false},
		{Needs{Connects: []string{"http://camera/video", "ssl://broker"}}, "", []uint16{80, 8883}, false},
		{Needs{Connects: []string{"queue:4333", "nats://queue", "https://store/bucket"}}, "", []uint16{4333, 4222, 443}, false},
		{Needs{Connects: []string{"https://store/bucket"}}, "proxy:3128", []uint16{443, 3128}, false},
		{Needs{Connects: []string{"https://store/bucket"}}, "proxy", nil, true},
		{Needs{Connects: []string{"queue"}}, "", nil, true},
		{Needs{Connects: []string{"other://host/"}}, "", nil, true},
		{Needs{Connects: []string{"rtsp://host:0/"}}, "", nil, true},
		{Needs{Connects: []string{"rtsp://host/"}, Anywhere: true}, "", nil, true},
	} {
		t.Setenv("HTTPS_PROXY", tt.proxy)
		if ports, all := tt.needs.ports(); !slices.Equal(ports, tt.ports) || all != tt.all {
			t.Errorf("%+v, by %q: %v, all %t", tt.needs, tt.proxy, ports, all)
		}
	}
}
