package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"image"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/internal/i420"
)

// cache is a detector that remembers what a network found in a picture, so that
// everything behind the networks can be tried again in seconds. Time spent is
// then not that of the network: it is for offline runs only.
type cache struct {
	detect.Detector
	file  string
	known map[string][]detect.Detection
	sum   hash.Hash
	fresh bool // known has what file has not
}

// openCache returns d with its answers remembered in dir. id names everything
// that its answers depend on, such as the weights and thresholds.
func openCache(dir, id string, d detect.Detector) (*cache, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	name := sha256.Sum256([]byte(id))
	c := &cache{
		Detector: d, file: filepath.Join(dir, fmt.Sprintf("%x.json", name[:8])),
		known: map[string][]detect.Detection{}, sum: sha256.New(),
	}
	data, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &c.known); err != nil {
		return nil, fmt.Errorf("%s: %w (remove it)", c.file, err)
	}
	return c, nil
}

// Detect implements detect.Detector.
func (c *cache) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
	key := c.key(pic)
	if found, ok := c.known[key]; ok {
		return append(dst, found...), nil
	}
	n := len(dst)
	dst, err := c.Detector.Detect(ctx, pic, dst)
	if err == nil {
		c.known[key] = append([]detect.Detection(nil), dst[n:]...)
		c.fresh = true
	}
	return dst, err
}

// key is a checksum of the picture's size and pixels.
func (c *cache) key(pic *image.YCbCr) string {
	c.sum.Reset()
	_, _ = fmt.Fprint(c.sum, pic.Rect) // a hash takes everything
	for _, p := range i420.Planes(pic) {
		_ = p.Rows(func(row []byte) error { _, err := c.sum.Write(row); return err })
	}
	return hex.EncodeToString(c.sum.Sum(nil))
}

// save writes what is new.
func (c *cache) save() error {
	if !c.fresh {
		return nil
	}
	data, err := json.Marshal(c.known)
	if err == nil {
		err = atomicfile.WriteData(c.file, data, 0o644)
	}
	c.fresh = err != nil
	return err
}
