package pipeline

import "errors"

// ErrPicture is returned by a Source for one picture that cannot be decoded.
// The pipeline drops the picture, counts it, and goes on.
var ErrPicture = errors.New("pipeline: picture cannot be decoded")
