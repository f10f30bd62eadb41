package main

import (
	"strings"

	"github.com/hedgecam/hedge/examples/internal/buildinfo"
)

// version is that of this program, of which workers take no other's work. A program that was
// built from sources that are in no commit has its own sum in it.
func version() string {
	v := buildinfo.Version()
	sum := buildinfo.SHA256()
	if (v == "(devel)" || strings.HasSuffix(v, " changed") || v == "unknown") && len(sum) >= 12 {
		v += " " + sum[:12]
	}
	return v
}
