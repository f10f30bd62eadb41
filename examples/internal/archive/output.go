package archive

import (
	"encoding/json"
	"strconv"

	"github.com/hedgecam/hedge/examples/internal/archive/queue"
)

// EvidenceName returns the store's name of the evidence of a recording's first pass. The
// same work has the same name.
func EvidenceName(r *queue.Recording) string {
	return "evidence/" + hash(r.SHA256, r.PolicySHA256, r.Networks, r.Version) + ".jsonl"
}

// PartName returns the store's name of what the networks found in a part of a recording that
// was cut: see package inferences.
func PartName(r *queue.Recording, part int) string {
	return "parts/" + hash(r.SHA256, r.PolicySHA256, r.Networks, r.Version, r.Parts.Machine, r.Parts.Length.String(), strconv.Itoa(part)) + ".inferences"
}

// OutputID names the output of a recording: by the input, the policy, the networks, the
// version and what reviewers have changed.
func OutputID(r *queue.Recording) (string, error) {
	changes, err := json.Marshal(r.Changes)
	return hash(r.SHA256, r.PolicySHA256, r.Networks, r.Version, r.Evidence, string(changes)), err
}

// NewOutput returns the names of an output's files.
func NewOutput(id string) *queue.Output {
	dir := "outputs/" + id + "/"
	return &queue.Output{ID: id, Video: dir + "video.mp4", Sheet: dir + "sheet.png", Report: dir + "report.json", Evidence: dir + "evidence.jsonl"}
}

// Index is the store's name of an output's entry, which is written last: an output is
// complete if it is there.
func Index(o *queue.Output) string { return "outputs/" + o.ID + "/output.json" }
