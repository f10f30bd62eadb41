package queue

import (
	"time"

	"github.com/hedgecam/hedge/pipeline/evidence"
)

// Stage is one of the two passes over a recording, or what comes before the first one of a
// long recording. Each is a job of its own.
type Stage string

// The stages.
const (
	// Look is the work of the networks on one part of a recording that was cut. The
	// recording itself waits for its parts then.
	Look Stage = "look"
	// Inspect is the first pass: networks look, and evidence is written.
	Inspect Stage = "inspect"
	// Render is the second pass: pictures are redacted by evidence. It needs no network.
	Render Stage = "render"
)

// Status is how far the stage of a recording is.
type Status string

// The statuses.
const (
	Waiting   Status = "waiting"
	Running   Status = "running"
	Done      Status = "done"      // of the stage Render: the output is there
	Failed    Status = "failed"    // tried too often: it is on the dead-letter list
	Cancelled Status = "cancelled" // by a person
)

// Final reports whether nothing is to be done any more.
func (s Status) Final() bool { return s == Done || s == Failed || s == Cancelled }

// Priorities are 0, for when nothing else waits, to 3. Normal is 1.
const (
	Priorities = 4
	Normal     = 1
)

// Recording is what the archive knows of one recording.
type Recording struct {
	// ID names it: letters and digits.
	ID string `json:"id"`
	// Name is that of the file that was added, without its folder.
	Name string `json:"name"`
	// Bytes is its length, and SHA256 its checksum.
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Policy is the policy's text, and PolicySHA256 its checksum.
	Policy       string `json:"policy"`
	PolicySHA256 string `json:"policy_sha256"`
	// Networks names the set of networks that looks, with a sum of its weights; it is the
	// name of a subject's part. Version is that of the program.
	Networks string `json:"networks"`
	Version  string `json:"version"`
	Priority int    `json:"priority"`
	// Seconds is its length, 0 if that is not known.
	Seconds float64 `json:"seconds,omitempty"`

	// Parts says how it was cut, nil if it was not, or its evidence is there.
	Parts *Parts `json:"parts,omitempty"`
	// Parent is of what recording this is the part Part, from 0; "" if it is no part.
	Parent string `json:"parent,omitempty"`
	Part   int    `json:"part,omitempty"`

	Stage  Stage  `json:"stage"`
	Status Status `json:"status"`
	// Attempts counts those of this stage, and Error is why the last one failed.
	Attempts int    `json:"attempts"`
	Error    string `json:"error,omitempty"`
	// Worker is who took it last.
	Worker string `json:"worker,omitempty"`

	// Ticket counts the jobs of the recording; only the newest one counts. Taken is the
	// place in the stream of the message that was taken for it, 0 if none was.
	Ticket int    `json:"ticket"`
	Taken  uint64 `json:"taken,omitempty"`

	// Original and Evidence are files of the store.
	Original string `json:"original,omitempty"`
	Evidence string `json:"evidence,omitempty"`
	// Output are the files of the store that are shown and handed over.
	Output *Output `json:"output,omitempty"`
	// Kept are the IDs of outputs that a person has accepted. Their files stay when another
	// takes their place.
	Kept []string `json:"kept,omitempty"`
	// Stale are files of the store that nothing needs any more, and that may be gone.
	Stale []string `json:"stale,omitempty"`

	// Changes are those of reviewers, oldest first.
	Changes []evidence.Change `json:"changes,omitempty"`
	// Acts are what else people have done with it, oldest first.
	Acts []Act `json:"acts,omitempty"`
	// RemoveOriginal says that the original is removed once the output is accepted.
	RemoveOriginal bool `json:"remove_original,omitempty"`
	// Accepted says who has accepted the output, and when.
	Accepted *evidence.Change `json:"accepted,omitempty"`

	// Revision is that of the bucket, which Save compares. Changed is the server's time
	// of it.
	Revision uint64    `json:"-"`
	Changed  time.Time `json:"-"`
}

// Act is what a person has done with a recording that changes nothing of what is hidden.
type Act struct {
	What string    `json:"what"` // cancelled, tried again, accepted
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// Output is what came of a recording. It is never half there.
type Output struct {
	// ID is the hash of all that it was made of: the same work has the same ID.
	ID string `json:"id"`
	// The files of the store.
	Video    string `json:"video"`
	Sheet    string `json:"sheet"`
	Report   string `json:"report"`
	Evidence string `json:"evidence"`
	// Changes is how many of the recording's changes are in it.
	Changes int `json:"changes"`
	// VideoSHA256 is the checksum of the video.
	VideoSHA256 string `json:"video_sha256"`
	// Worker is who made it.
	Worker string `json:"worker"`
}

// Worker is what a worker tells of itself. It is forgotten when it is silent.
type Worker struct {
	// ID names it, and Host the machine.
	ID      string `json:"id"`
	Host    string `json:"host"`
	Version string `json:"version"`
	// Machine names its kind: two of the same kind find the same, to the last bit.
	Machine string `json:"machine,omitempty"`
	// Networks are the sets that it can look with; Why says why it has none.
	Networks []string `json:"networks"`
	Why      string   `json:"why,omitempty"`
	// Recording is the one that it works on, "" if it waits, and Stage how far.
	Recording string `json:"recording,omitempty"`
	Stage     Stage  `json:"stage,omitempty"`
	// Done and Total count pictures; Total is 0 if it is not known. Left is the time
	// that is left, by the worker's own clock, 0 if that is not known.
	Done  int64         `json:"done"`
	Total int64         `json:"total"`
	Left  time.Duration `json:"left"`
	// Finished and Failures count jobs since it began.
	Finished int `json:"finished"`
	Failures int `json:"failures"`
}
