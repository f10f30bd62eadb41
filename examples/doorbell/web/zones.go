package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/examples/internal/statefile"
	"github.com/hedgecam/hedge/redact"
)

// previewFor is how long a preview is shown after the editor was last heard of.
const previewFor = 20 * time.Second

// noRevision is the revision while there is no policy.
const noRevision = "none"

var (
	// ErrBusy says that another editor's preview is shown.
	ErrBusy = errors.New("somebody is drawing in another window just now: only that window sees what its zones show. You may go on; what is saved first counts")
	// ErrUnconfirmed says that the owner has yet to say whether the zones fit what
	// the camera sees, which trying some out does not.
	ErrUnconfirmed = errors.New("the camera sees another picture than the one the zones were drawn for, and nothing is shown until you confirm the zones")
	// ErrNoCamera says that nobody knows what the camera will see.
	ErrNoCamera = errors.New("the zones are not confirmed: do that once the camera is back, and you have seen where it points")
	// ErrPrivate says that privacy hides everything, also from who draws.
	ErrPrivate = errors.New("privacy is on: everything is hidden, also from who draws; switch it off to see what zones show")
	// ErrConflict says that the policy was saved by somebody else since it was
	// read.
	ErrConflict = errors.New("the zones were saved from another window, or the file was changed, since you opened them. Load those, or save yours over them")
)

// Zones keeps the policy of the page: the one saved in a file, and the one that
// an editor is trying out. Its methods may be called by any goroutine.
type Zones struct {
	o ZonesOptions

	mu      sync.Mutex
	saved   *redact.Policy       // nil: there is none, everything is hidden
	problem string               // what is wrong with the file
	editor  string               // whose preview is shown; "" if none is
	draft   *redact.Policy       // the preview
	drawing map[string]time.Time // until when an editor's page counts as drawing
	expiry  *time.Timer
	number  uint64 // of the preview
}

// ZonesOptions are what a Zones is made of.
type ZonesOptions struct {
	// Path is the policy's file.
	Path string
	// Saved is the policy in that file, nil if it does not exist.
	Saved *redact.Policy
	// Apply puts a policy in force: Pipeline.SetPolicy. A nil one hides
	// everything.
	Apply func(*redact.Policy) error
	// Try shows a policy to the page that draws it, and to nobody else:
	// Pipeline.SetPreview. A nil one ends that.
	Try func(*redact.Policy) error
	// Drawing is told when a page begins to draw. It defaults to nothing.
	Drawing func()
	// Unconfirmed reports whether the owner has yet to confirm that the zones
	// fit what the camera sees.
	Unconfirmed func() bool
	// Private reports whether everything is hidden for privacy. It defaults to never.
	Private func() bool
	// Confirm says that they do: Pipeline.Confirm. It is called when the first policy
	// is saved, and by nothing else here.
	Confirm func()
	// Judge returns a *seal.LooserError for a policy that is looser than a sealed one,
	// and Ask asks for it; who says by whom. Grant puts one in force that is due. They
	// default to those of a policy that is not sealed.
	Judge func(*redact.Policy) error
	Ask   func(p *redact.Policy, who string) error
	Grant func(*redact.Policy) error
	// PreviewFor is how long a preview is shown, and a page counts as drawing, after
	// the editor was last heard of. It defaults to 20 seconds.
	PreviewFor time.Duration
}

// NewZones returns Zones. Saved must be in force already or, where Doubtful says
// so, nothing but the policy that hides everything.
func NewZones(o ZonesOptions) *Zones {
	if o.PreviewFor == 0 {
		o.PreviewFor = previewFor
	}
	if o.Drawing == nil {
		o.Drawing = func() {}
	}
	if o.Private == nil {
		o.Private = func() bool { return false }
	}
	if o.Judge == nil {
		o.Judge = func(*redact.Policy) error { return nil }
	}
	return &Zones{o: o, saved: o.Saved, drawing: map[string]time.Time{}}
}

// State is what an editor has to know.
type State struct {
	// Revision names the saved policy: two are the same exactly if their
	// revisions are.
	Revision string `json:"revision"`
	// Policy is the saved policy, null if there is none.
	Policy *redact.Policy `json:"policy"`
	// Problem says what is wrong with the policy's file, if anything is.
	Problem string `json:"problem,omitempty"`
	// Drawing says that some editor's preview is shown.
	Drawing bool `json:"drawing"`
}

// State returns the state.
func (z *Zones) State() State {
	z.mu.Lock()
	defer z.mu.Unlock()
	return State{Revision: z.revision(), Policy: z.saved, Problem: z.problem, Drawing: z.editor != ""}
}

func (z *Zones) revision() string {
	if z.saved == nil {
		return noRevision
	}
	return z.saved.SHA256()[:32]
}

// Save puts a policy in force and into the file, if the saved one still is that
// of the given revision, and returns the new revision. The errors are a
// *redact.PolicyError, ErrConflict, or that of writing the file; the old policy
// then is still the saved one. So it is with a *seal.LooserError; see Ask.
func (z *Zones) Save(data []byte, revision string) (string, error) {
	p, err := redact.ParsePolicy(data)
	if err != nil {
		return "", err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if revision != z.revision() {
		return z.revision(), ErrConflict
	}
	if err := z.o.Judge(p); err != nil {
		return z.revision(), err
	}
	if err := writePolicy(z.o.Path, p); err != nil {
		return "", err
	}
	if err := z.o.Apply(p); err != nil {
		return "", err
	}
	first := z.saved == nil
	z.saved, z.problem = p, ""
	if first && !z.o.Unconfirmed() {
		z.o.Confirm() // drawn on a picture of what the camera sees
	}
	return z.revision(), z.endPreview()
}

// Preview shows a policy to the page of its editor, until that saves, takes it back,
// or is not heard of any more. Everybody else gets what neither it nor the saved
// policy hides. The errors are a *redact.PolicyError (what was shown stays), ErrBusy,
// ErrUnconfirmed, or Try's.
func (z *Zones) Preview(data []byte, editor string) error {
	if editor == "" {
		return errors.New("a preview needs the name of its editor")
	}
	p, err := redact.ParsePolicy(data)
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.editor != "" && z.editor != editor {
		return ErrBusy
	}
	if z.editor != "" {
		z.expiry.Reset(z.o.PreviewFor)
	}
	switch {
	case err != nil:
		return err
	case z.o.Private():
		return ErrPrivate
	case z.o.Unconfirmed():
		return ErrUnconfirmed
	case z.editor != "" && z.draft.SHA256() == p.SHA256():
		return nil // the editor only says that it is still there
	}
	if err := z.o.Try(p); err != nil {
		return err
	}
	z.draft = p
	if z.editor == "" {
		z.editor = editor
		z.number++
		number := z.number
		z.expiry = time.AfterFunc(z.o.PreviewFor, func() { z.expire(number) })
	}
	return nil
}

// Discard takes an editor's preview back.
func (z *Zones) Discard(editor string) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.editor == "" || z.editor != editor {
		return nil
	}
	return z.endPreview()
}

// expire ends the preview of that number, if it is the one shown: its editor has
// gone.
func (z *Zones) expire(number uint64) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.editor == "" || z.number != number {
		return
	}
	if err := z.endPreview(); err != nil {
		z.problem = err.Error()
	}
}

func (z *Zones) endPreview() error {
	if z.editor == "" {
		return nil
	}
	z.expiry.Stop()
	z.editor, z.draft, z.expiry = "", nil, nil
	return z.o.Try(nil)
}

// IsPreviewOf reports whether the preview shown is that of an editor.
func (z *Zones) IsPreviewOf(editor string) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return editor != "" && z.editor == editor
}

// maxDrawing bounds the pages that may draw at once.
const maxDrawing = 16

// Draw notes that an editor's page draws, until Rest or until it is not heard of any
// more. The error is ErrBusy, if too many do.
func (z *Zones) Draw(editor string) error {
	if editor == "" {
		return errors.New("who draws needs a name: send it as X-Editor")
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.rested()
	_, known := z.drawing[editor]
	if !known && len(z.drawing) >= maxDrawing {
		return ErrBusy
	}
	z.drawing[editor] = time.Now().Add(z.o.PreviewFor)
	if !known {
		z.o.Drawing()
	}
	return nil
}

// Rest says that an editor's page draws no more.
func (z *Zones) Rest(editor string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.drawing, editor)
}

// Draws reports whether an editor's page draws.
func (z *Zones) Draws(editor string) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.rested()
	_, draws := z.drawing[editor]
	return draws
}

// rested forgets pages that were not heard of for too long.
func (z *Zones) rested() {
	for name, until := range z.drawing {
		if time.Now().After(until) {
			delete(z.drawing, name)
		}
	}
}

// Changed takes what is in the policy's file, or what is wrong with it, whenever the
// file changes. The old policy stays in force if the file is invalid or gone.
// Somebody may have saved other zones since the file was read: what is in the file
// now is what counts.
func (z *Zones) Changed(p *redact.Policy, err error) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if err == nil {
		p, err = redact.LoadPolicy(z.o.Path)
	}
	if err != nil {
		if errors.Is(err, os.ErrNotExist) && z.saved == nil {
			return nil
		}
		z.problem = err.Error()
		return err
	}
	z.problem = ""
	if z.saved != nil && z.saved.SHA256() == p.SHA256() {
		return nil
	}
	if err := z.o.Apply(p); err != nil {
		var looser *seal.LooserError
		if errors.As(err, &looser) {
			err = fmt.Errorf("%w. The sealed policy stays in force", err)
		}
		z.problem = err.Error()
		return err
	}
	z.saved = p
	if z.editor != "" {
		// A policy that is put in force ends the preview.
		if err := z.o.Try(z.draft); err != nil {
			return err
		}
	}
	return nil
}

// Ask asks for a policy that is looser than the sealed one; who says by whom. Nothing
// changes until it is granted.
func (z *Zones) Ask(data []byte, who string) error {
	p, err := redact.ParsePolicy(data)
	if err != nil {
		return err
	}
	return z.o.Ask(p, who)
}

// Loosen puts a policy in force that is looser than the sealed one, and due, and into
// the file.
func (z *Zones) Loosen(p *redact.Policy) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if err := writePolicy(z.o.Path, p); err != nil {
		return err
	}
	if err := z.o.Grant(p); err != nil {
		return err
	}
	z.saved, z.problem = p, ""
	return z.endPreview()
}

// EndPreview ends a preview, whoever draws.
func (z *Zones) EndPreview() error {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.endPreview()
}

// Close ends a preview; what is in force stays.
func (z *Zones) Close() error {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.endPreview()
}

// writePolicy replaces the file in one step, so that it is never half written.
func writePolicy(path string, p *redact.Policy) error {
	var text bytes.Buffer
	if err := json.Indent(&text, p.Canonical(), "", "  "); err != nil {
		return fmt.Errorf("format the policy: %w", err)
	}
	text.WriteByte('\n')
	if err := statefile.Write(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("save the policy: %w", err)
	}
	return nil
}
