package schedule

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	// machineZone is a link to the zone of the machine, in a folder of that name.
	machineZone = "/etc/localtime"
	zoneFolder  = "zoneinfo/"
)

// Zone returns the name of the time zone that this machine's times are in, and so those of
// a schedule, such as Europe/Berlin. The error is that the environment's TZ names no zone
// that is known, so that times would be in UTC.
func Zone() (string, error) {
	tz, _ := os.LookupEnv("TZ")
	return zone(tz, time.Local.String(), os.Readlink)
}

// zone is Zone with TZ, and the name by which Go knows the zone of this machine: Local
// where that is told by a file.
func zone(tz, local string, readLink func(string) (string, error)) (string, error) {
	if tz = strings.TrimPrefix(tz, ":"); local == "UTC" && tz != "" && tz != "UTC" {
		return "", fmt.Errorf("TZ is %q, which is no time zone that is known here: set it to the one that the times are meant in, such as TZ=Europe/Berlin", tz)
	}
	if local == "Local" {
		link, err := readLink(machineZone)
		if _, name, ok := strings.Cut(link, zoneFolder); err == nil && ok {
			return name, nil
		}
		return "the zone of " + machineZone, nil
	}
	if _, name, ok := strings.Cut(local, zoneFolder); ok {
		return name, nil
	}
	return local, nil
}
