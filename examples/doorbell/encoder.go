package main

import (
	"context"
	"fmt"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// openEncoder chooses what encodes, and makes the broadcasters. A preview, of few pictures
// and for one who draws, has the program's own encoder: some in hardware can do one
// stream only.
func (a *app) openEncoder(ctx context.Context, room func(ffmpeg.Room) []string) error {
	choice, err := encoder.Choose(ctx, a.c.Encoder, room)
	if err != nil {
		return err
	}
	a.encoder = choice.Name
	a.log.Add("encoder", choice.String())
	a.broadcaster, err = stream.New(stream.Options{Fast: a.c.Fast, Encoder: choice.Factory, OnFallback: func(from, to string, why error) {
		a.log.Add("encoder", fmt.Sprintf("%s has failed, and %s encodes from now on: %v", from, to, why))
	}})
	if err != nil {
		return err
	}
	a.preview, err = stream.New(stream.Options{Fast: true, Rate: previewRate})
	return err
}

// encoderName returns the name of the encoder in use, as the page shows it.
func (a *app) encoderName() string {
	name := a.broadcaster.Stats().Encoder
	if name == "" { // nothing was encoded yet
		name = a.encoder
	}
	if encoder.IsHardware(name) {
		return name + ", in hardware"
	}
	return name
}
