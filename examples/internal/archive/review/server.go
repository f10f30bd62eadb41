package review

import (
	"embed"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/ratelimit"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
)

//go:embed page
var page embed.FS

const (
	// maxIdle is how many connections may be open on which nothing happens.
	maxIdle = 256
	// mostListed is how many recordings one answer lists.
	mostListed = 200
)

// NewServer returns a server of the page, with limits that keep it alive among clients
// that are slow, silent or many.
func NewServer(d *Desk, access *webaccess.Access) *http.Server {
	idle := &ratelimit.Idle{Max: maxIdle}
	return &http.Server{
		Handler:           access.Guard((&server{d}).routes()),
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

type server struct{ d *Desk }

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+webaccess.HealthPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /{$}", s.file)
	mux.HandleFunc("GET /page/{name}", s.file)
	mux.HandleFunc("GET /status", s.status)
	mux.HandleFunc("GET /recordings", s.list)
	mux.HandleFunc("GET /recordings/{id}", s.show)
	mux.HandleFunc("GET /recordings/{id}/video.mp4", s.stored("video/mp4", func(o *queue.Output) string { return o.Video }))
	mux.HandleFunc("GET /recordings/{id}/sheet.png", s.stored("image/png", func(o *queue.Output) string { return o.Sheet }))
	mux.HandleFunc("GET /recordings/{id}/handover.zip", s.handover)
	mux.HandleFunc("POST /recordings/{id}/changes", s.change)
	mux.HandleFunc("POST /recordings/{id}/accept", s.accept)
	mux.HandleFunc("POST /recordings/{id}/cancel", s.cancel)
	mux.HandleFunc("POST /recordings/{id}/retry", s.retry)
	mux.Handle("GET /metrics", s.d.Metrics())
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
}

func refuse(w http.ResponseWriter, err error) { reply(w, status(err), fault{err.Error()}) }

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
	kinds := map[string]string{".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
	w.Header().Set("Content-Type", kinds[path.Ext(name)]+"; charset=utf-8")
	_, _ = w.Write(data) //nolint:gosec // a file of the page
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	o, err := s.d.Overview(r.Context())
	if err != nil {
		reply(w, http.StatusServiceUnavailable, fault{"the queue's server is away: " + err.Error()})
		return
	}
	if !webaccess.MayEdit(r) {
		w.Header().Set("X-Role", "watch") // the page then offers nothing that would be refused
	}
	reply(w, http.StatusOK, o)
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil {
		from = 0
	}
	list, total := s.d.List(queue.Status(r.URL.Query().Get("status")), max(from, 0), mostListed)
	reply(w, http.StatusOK, struct {
		Recordings []Entry `json:"recordings"`
		Total      int     `json:"total"`
	}{list, total})
}

// stored serves a file of an output.
func (s *server) stored(kind string, name func(*queue.Output) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec, err := s.d.a.Queue.Get(r.Context(), r.PathValue("id"))
		if err == nil && rec.Output == nil {
			err = archive.ErrNotYet
		}
		if err != nil {
			refuse(w, err)
			return
		}
		f, err := s.d.a.Files.Open(r.Context(), name(rec.Output))
		if err != nil {
			refuse(w, err)
			return
		}
		defer f.Close()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a long file takes its time
		w.Header().Set("Content-Type", kind)
		if seek, ok := f.(io.ReadSeeker); ok {
			http.ServeContent(w, r, "", time.Time{}, seek)
			return
		}
		_, _ = io.Copy(w, f) // the client is gone, or sees that it is cut off
	}
}

func (s *server) handover(w http.ResponseWriter, r *http.Request) {
	rec, err := s.d.a.Queue.Get(r.Context(), r.PathValue("id"))
	if err == nil && rec.Output == nil {
		err = archive.ErrNotYet
	}
	if err != nil {
		refuse(w, err)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // likewise
	zip := &attachment{w: w, name: archive.HandoverName(&rec) + ".zip"}
	err = s.d.a.WriteZip(r.Context(), zip, &rec)
	switch {
	case err == nil:
	case zip.begun:
		// A zip file that is cut off does not open. The connection must not end well.
		panic(http.ErrAbortHandler)
	case errors.Is(err, archive.ErrNotYet), errors.Is(err, archive.ErrPending):
		refuse(w, err)
	default:
		reply(w, http.StatusServiceUnavailable, fault{"it cannot be read from the store: " + err.Error()})
	}
}

// attachment is a zip file in an answer, which begins with its first bytes.
type attachment struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

func (a *attachment) Write(p []byte) (int, error) {
	if !a.begun {
		a.begun = true
		a.w.Header().Set("Content-Type", "application/zip")
		a.w.Header().Set("Content-Disposition", `attachment; filename="`+a.name+`"`)
	}
	return a.w.Write(p)
}

// body reads a request's JSON.
func body(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var large *http.MaxBytesError
		code := http.StatusBadRequest
		if errors.As(err, &large) {
			code = http.StatusRequestEntityTooLarge
		}
		reply(w, code, fault{"the request makes no sense: " + err.Error()})
		return false
	}
	return true
}
