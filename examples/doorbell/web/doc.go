// Package web is the doorbell's page: the live redacted picture, the zone
// editor, and what is hidden now and why.
//
// Everything is served to the holder of the token only, except /healthz, which
// says ok or failing and nothing else. The page is embedded and asks no other
// machine for anything.
package web
