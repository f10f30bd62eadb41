package confine

import (
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// namePort is that of name servers, which are asked over TCP where UDP does not hold the answer.
const namePort = 53

// schemePorts are those of addresses that name none. "tls" is a broker's or a queue's.
var schemePorts = map[string][]uint16{
	"rtsp": {554}, "http": {80}, "https": {443},
	"tcp": {1883}, "mqtt": {1883}, "ssl": {8883}, "mqtts": {8883}, "tls": {8883, 4222},
	"nats": {4222}, "ws": {80}, "wss": {443}, "socks5": {1080}, "socks5h": {1080},
}

// proxies are the variables of the environment that name who connects in the program's place.
var proxies = []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}

// network gives up connecting, but for what is needed.
func (n Needs) network() error {
	ports, all := n.ports()
	if all {
		return nil
	}
	rules := make([]landlock.Rule, 0, len(ports))
	for _, p := range ports {
		rules = append(rules, landlock.ConnectTCP(p))
	}
	if err := landlock.MustConfig(landlock.AccessNetSet(landlocksys.AccessNetConnectTCP)).BestEffort().RestrictNet(rules...); err != nil {
		return err
	}
	if Version() < 4 {
		return nil // TCP is open anyway
	}
	return refuseSockets(true)
}

// ports returns those that are needed, or that all are.
func (n Needs) ports() (ports []uint16, all bool) {
	if n.Anywhere {
		return nil, true
	}
	for _, address := range n.Connects {
		if address == "" {
			continue
		}
		of, ok := portsOf(address)
		if !ok {
			return nil, true
		}
		ports = append(ports, of...)
	}
	if len(ports) == 0 {
		return nil, false
	}
	for _, name := range proxies {
		if address := os.Getenv(name); address != "" {
			of, ok := portsOf(address)
			if !ok {
				return nil, true
			}
			ports = append(ports, of...)
		}
	}
	if n.Resolves {
		ports = append(ports, namePort)
	}
	return ports, false
}

// portsOf returns the ports of an address, such as rtsp://host/path or host:4222, and whether
// they can be told.
func portsOf(address string) ([]uint16, bool) {
	if !strings.Contains(address, "://") {
		_, port, err := net.SplitHostPort(address)
		return number(port), err == nil && number(port) != nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, false
	}
	ports := schemePorts[u.Scheme]
	if u.Port() != "" {
		ports = number(u.Port())
	}
	return ports, ports != nil
}

// number returns the port that a text names, nil for none.
func number(port string) []uint16 {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil
	}
	return []uint16{uint16(n)}
}
