package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/ratelimit"
	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
	"github.com/hedgecam/hedge/examples/internal/whep"
	"github.com/hedgecam/hedge/redact"
)

const (
	stillPath = "/still.jpg"
	// maxIdle is how many connections may be open on which nothing happens.
	maxIdle = 256
)

//go:embed page
var page embed.FS

// Options are what a page is made of.
type Options struct {
	// Access guards it.
	Access *webaccess.Access
	// Zones keeps the policy.
	Zones *Zones
	// Live hands the live picture out.
	Live *whep.Server
	// PreviewPicture returns a JPEG of the next picture of a preview.
	PreviewPicture func(context.Context) ([]byte, time.Time, error)
	// Still returns a JPEG of the place with nobody in it, for pages that draw.
	Still func(context.Context) ([]byte, error)
	// Snapshot returns a JPEG of a redacted picture of just now, and its time.
	Snapshot func(context.Context) ([]byte, time.Time, error)
	// Status is told to the page as JSON, about once a second.
	Status func() any
	// Confirm says that the zones fit what the camera sees. The error is ErrNoCamera while
	// it is away.
	Confirm func() error
	// Privacy switches the hiding of everything on or off; who says by whom.
	Privacy func(on bool, who string) error
	// StopLoosening stops a loosening of the sealed policy; who says by whom. It reports
	// whether one waited. It defaults to none.
	StopLoosening func(who string) (bool, error)
	// Ring is what the bell does. It defaults to nothing: there is no bell.
	Ring func()
	// Metrics serves /metrics.
	Metrics http.Handler
	// Healthy returns nil, or what is wrong.
	Healthy func() error
}

// NewServer returns a server of the page with limits that keep it alive among
// clients that are slow, silent or many. tls says that it serves over TLS.
func NewServer(o Options) *http.Server {
	s := &server{o}
	idle := &ratelimit.Idle{Max: maxIdle}
	return &http.Server{
		Handler:           o.Access.Guard(s.routes()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
		// Errors of single connections are not logged: clients come and go.
		ErrorLog:  log.New(io.Discard, "", 0),
		ConnState: func(c net.Conn, state http.ConnState) { idle.ConnState(c, state) },
	}
}

// OnlyEditors reports whether a request is one that only an editor may make: it
// changes what is shown, or shows what only who draws may see.
func OnlyEditors(r *http.Request) bool {
	switch {
	case strings.HasPrefix(r.URL.Path, "/zones/"), r.URL.Path == stillPath:
		return true
	case webaccess.Safe(r.Method), r.URL.Path == "/ring", r.URL.Path == "/live", strings.HasPrefix(r.URL.Path, "/live/"):
		return false
	}
	return true
}

type server struct{ o Options }

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+webaccess.HealthPath, s.health)
	mux.HandleFunc("GET /{$}", s.file)
	mux.HandleFunc("GET /page/{name}", s.file)
	mux.HandleFunc("GET /snapshot.jpg", s.snapshot)
	mux.HandleFunc("GET "+stillPath, s.still)
	mux.HandleFunc("GET /status", s.status)
	mux.HandleFunc("GET /zones", s.zones)
	mux.HandleFunc("PUT /zones", s.save)
	mux.HandleFunc("PUT /zones/drawing", s.draw)
	mux.HandleFunc("DELETE /zones/drawing", s.rest)
	mux.HandleFunc("PUT /zones/preview", s.preview)
	mux.HandleFunc("GET /zones/preview.jpg", s.previewPicture)
	mux.HandleFunc("DELETE /zones/preview", s.discard)
	mux.HandleFunc("POST /confirm", s.confirm)
	mux.HandleFunc("POST /privacy/{state}", s.privacy)
	if s.o.StopLoosening != nil {
		mux.HandleFunc("POST /seal/stop", s.stopLoosening)
	}
	mux.HandleFunc("POST /live", s.live)
	mux.HandleFunc("DELETE /live/{id}", s.hangUp)
	if s.o.Metrics != nil {
		mux.Handle("GET /metrics", s.o.Metrics)
	}
	mux.HandleFunc("POST /ring", s.ring)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		webaccess.Headers(w)
		mux.ServeHTTP(w, r)
	})
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

// fault is an error as the page gets it.
type fault struct {
	Error string `json:"error"`
	// Path is the field of the policy that the error is about.
	Path string `json:"path,omitempty"`
	// Revision is that of the saved policy, after a conflict.
	Revision string `json:"revision,omitempty"`
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text := "ok\n"
	if s.o.Healthy() != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = "failing\n"
	}
	_, _ = io.WriteString(w, text) // the client is gone
}

// file serves a file of the page.
func (s *server) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if name == "" {
		name = "index.html"
	}
	data, err := page.ReadFile(path.Join("page", path.Base(name)))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	kinds := map[string]string{".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", kinds[path.Ext(name)]+"; charset=utf-8")
	_, _ = w.Write(data) //nolint:gosec // a file of the page
}

func (s *server) snapshot(w http.ResponseWriter, r *http.Request) { jpeg(w, r, s.o.Snapshot) }

// jpeg answers with the next picture.
func jpeg(w http.ResponseWriter, r *http.Request, newest func(context.Context) ([]byte, time.Time, error)) {
	data, at, err := newest(r.Context())
	if err != nil {
		webaccess.Refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Last-Modified", at.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the client is gone
}

// previewPicture serves the picture of a preview to who draws it.
func (s *server) previewPicture(w http.ResponseWriter, r *http.Request) {
	if !s.o.Zones.IsPreviewOf(editorOf(r)) {
		webaccess.Refuse(w, http.StatusForbidden, "a preview is shown to the page that draws it only")
		return
	}
	jpeg(w, r, s.o.PreviewPicture)
}

func (s *server) still(w http.ResponseWriter, r *http.Request) {
	if !s.o.Zones.Draws(editorOf(r)) {
		webaccess.Refuse(w, http.StatusForbidden, "the place with nobody in it is shown to a page that draws zones only, while it does")
		return
	}
	// Shorter than the server's WriteTimeout, so that the answer gets through.
	ctx, cancel := context.WithTimeout(r.Context(), 15*time.Second)
	defer cancel()
	data, err := s.o.Still(ctx)
	if err != nil {
		webaccess.Refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(data) // the client is gone
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	if !webaccess.MayEdit(r) {
		w.Header().Set("X-Role", "watch") // the page then offers nothing that would be refused
	}
	reply(w, http.StatusOK, s.o.Status())
}

func (s *server) zones(w http.ResponseWriter, _ *http.Request) {
	state := s.o.Zones.State()
	w.Header().Set("ETag", strconv.Quote(state.Revision))
	reply(w, http.StatusOK, state)
}

func (s *server) save(w http.ResponseWriter, r *http.Request) {
	revision, err := strconv.Unquote(r.Header.Get("If-Match"))
	if err != nil {
		reply(w, http.StatusPreconditionRequired, fault{Error: `say which revision the zones come from: If-Match: "REVISION", as GET /zones gave it`})
		return
	}
	data, ok := policyOf(w, r)
	if !ok {
		return
	}
	revision, err = s.o.Zones.Save(data, revision)
	var looser *seal.LooserError
	if errors.As(err, &looser) {
		if err = s.o.Zones.Ask(data, "the page, from "+webaccess.ClientOf(r)); err == nil {
			reply(w, http.StatusAccepted, fault{Error: looser.Error() + ". It was asked for: nothing changes unless somebody at the device agrees, and then after a delay", Revision: revision})
			return
		}
	}
	if err != nil {
		s.refusePolicy(w, err, revision)
		return
	}
	s.o.Access.Tell(webaccess.ClientOf(r), "zones were saved")
	w.Header().Set("ETag", strconv.Quote(revision))
	reply(w, http.StatusOK, s.o.Zones.State())
}

func (s *server) preview(w http.ResponseWriter, r *http.Request) {
	data, ok := policyOf(w, r)
	if !ok {
		return
	}
	if err := s.o.Zones.Preview(data, editorOf(r)); err != nil {
		s.refusePolicy(w, err, "")
		return
	}
	s.o.Live.ShowPreview(strings.TrimPrefix(r.Header.Get("X-Live"), "/live/"))
	w.WriteHeader(http.StatusNoContent)
}

// draw notes that a page draws.
func (s *server) draw(w http.ResponseWriter, r *http.Request) {
	if err := s.o.Zones.Draw(editorOf(r)); err != nil {
		s.refusePolicy(w, err, "")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// rest notes that a page draws no more.
func (s *server) rest(w http.ResponseWriter, r *http.Request) {
	s.o.Zones.Rest(editorOf(r))
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) discard(w http.ResponseWriter, r *http.Request) {
	if err := s.o.Zones.Discard(editorOf(r)); err != nil {
		s.refusePolicy(w, err, "")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// editorOf returns the name that an editor has made up for itself.
func editorOf(r *http.Request) string {
	name := r.Header.Get("X-Editor")
	return name[:min(len(name), 64)]
}

// policyOf reads a policy, or answers that it is too long.
func policyOf(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, redact.MaxPolicyBytes))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		reply(w, http.StatusRequestEntityTooLarge, fault{Error: "the policy is longer than " + strconv.Itoa(redact.MaxPolicyBytes) + " bytes, the most that is read"})
	case err != nil:
		reply(w, http.StatusBadRequest, fault{Error: "the policy did not come whole"})
	}
	return data, err == nil
}

func (s *server) refusePolicy(w http.ResponseWriter, err error, revision string) {
	var bad *redact.PolicyError
	switch {
	case errors.As(err, &bad):
		reply(w, http.StatusUnprocessableEntity, fault{Error: bad.Reason, Path: bad.Path})
	case errors.Is(err, ErrConflict):
		reply(w, http.StatusConflict, fault{Error: err.Error(), Revision: revision})
	case errors.Is(err, seal.ErrDamaged), errors.Is(err, ErrBusy), errors.Is(err, ErrUnconfirmed), errors.Is(err, ErrPrivate):
		reply(w, http.StatusLocked, fault{Error: err.Error()})
	default:
		reply(w, http.StatusInternalServerError, fault{Error: err.Error()})
	}
}

func (s *server) confirm(w http.ResponseWriter, r *http.Request) {
	if err := s.o.Confirm(); errors.Is(err, ErrNoCamera) {
		reply(w, http.StatusServiceUnavailable, fault{Error: err.Error()})
		return
	} else if err != nil {
		reply(w, http.StatusInternalServerError, fault{Error: err.Error()})
		return
	}
	s.o.Access.Tell(webaccess.ClientOf(r), "the zones were confirmed")
	w.WriteHeader(http.StatusNoContent)
}

// privacy switches privacy on or off.
func (s *server) privacy(w http.ResponseWriter, r *http.Request) {
	state := r.PathValue("state")
	if state != "on" && state != "off" {
		reply(w, http.StatusNotFound, fault{Error: "privacy is switched with POST /privacy/on or /privacy/off"})
		return
	}
	if err := s.o.Privacy(state == "on", "the page, from "+webaccess.ClientOf(r)); err != nil {
		reply(w, http.StatusLocked, fault{Error: err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// stopLoosening stops a loosening of the sealed policy.
func (s *server) stopLoosening(w http.ResponseWriter, r *http.Request) {
	is, err := s.o.StopLoosening("the page, from " + webaccess.ClientOf(r))
	switch {
	case err != nil:
		reply(w, http.StatusInternalServerError, fault{Error: err.Error()})
	case !is:
		reply(w, http.StatusNotFound, fault{Error: "no loosening waits"})
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *server) ring(w http.ResponseWriter, _ *http.Request) {
	if s.o.Ring == nil {
		webaccess.Refuse(w, http.StatusNotFound, "there is no bell: start the program with -preset doorbell")
		return
	}
	s.o.Ring()
	w.WriteHeader(http.StatusNoContent)
}

// maxOffer is the longest session description that is read, in bytes.
const maxOffer = 64 << 10

func (s *server) live(w http.ResponseWriter, r *http.Request) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/sdp" {
		reply(w, http.StatusUnsupportedMediaType, fault{Error: "an offer is application/sdp"})
		return
	}
	offer, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOffer))
	if err != nil {
		reply(w, http.StatusRequestEntityTooLarge, fault{Error: "the offer is too long"})
		return
	}
	id, answer, err := s.o.Live.Offer(r.Context(), string(offer))
	switch {
	case errors.Is(err, whep.ErrViewers):
		reply(w, http.StatusServiceUnavailable, fault{Error: err.Error()})
		return
	case err != nil:
		reply(w, http.StatusBadRequest, fault{Error: err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", "/live/"+id)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // the client is gone
}

func (s *server) hangUp(w http.ResponseWriter, r *http.Request) {
	s.o.Live.HangUp(r.PathValue("id"))
	w.WriteHeader(http.StatusNoContent)
}
