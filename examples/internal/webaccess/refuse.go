package webaccess

import (
	"io"
	"net/http"
)

// The paths that the guard knows.
const (
	// HealthPath is open to everybody who may read.
	HealthPath = "/healthz"
	// EnterPath takes the token from the address and leaves a cookie.
	EnterPath = "/enter"
)

// Headers forbids the browser everything that the page does not need.
func Headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
}

// Refuse answers with one line of plain text.
func Refuse(w http.ResponseWriter, code int, why string) {
	Headers(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, why+"\n") //nolint:gosec // plain text, and no browser may take it for anything else
}

func refuseLater(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	Refuse(w, http.StatusTooManyRequests, "too many requests: wait some seconds")
}
