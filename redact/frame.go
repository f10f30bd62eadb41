// Package redact applies an owner's policy to pictures.
package redact
