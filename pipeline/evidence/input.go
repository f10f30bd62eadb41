package evidence

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Input tells one file from another, and from itself after a change, without
// reading all of it.
type Input struct {
	// Bytes is its length.
	Bytes int64 `json:"bytes"`
	// Sample is the SHA-256 of its length and of parts of it: the first and last
	// mebibyte, and 64 pieces of 64 KiB evenly spread between.
	Sample string `json:"sample_sha256"`
}

// ErrChanged is returned when a recording is not the one that the evidence is of.
var ErrChanged = errors.New("the recording is not the one that the evidence is of")

const (
	sampleEnd    = 1 << 20
	samplePiece  = 64 << 10
	samplePieces = 64
)

// Sample reads the parts of a file that tell it from others.
func Sample(path string) (in Input, err error) {
	f, err := os.Open(path)
	if err != nil {
		return in, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return in, err
	}
	size := info.Size()
	sum := sha256.New()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(size))
	sum.Write(length[:])
	part := func(from, n int64) error {
		_, err := io.Copy(sum, io.NewSectionReader(f, from, n))
		return err
	}
	err = part(0, sampleEnd)
	if step := (size - 2*sampleEnd) / samplePieces; err == nil && step > 0 {
		for i := range int64(samplePieces) {
			err = errors.Join(err, part(sampleEnd+i*step, min(samplePiece, step)))
		}
	}
	err = errors.Join(err, part(max(size-sampleEnd, 0), sampleEnd))
	if err != nil {
		return in, err
	}
	return Input{Bytes: size, Sample: hex.EncodeToString(sum.Sum(nil))}, nil
}

// Compare returns ErrChanged, with what is different, if the two are not of one
// file.
func (in Input) Compare(now Input) error {
	switch {
	case now.Bytes != in.Bytes:
		return fmt.Errorf("%w: it has %d bytes, and that one had %d", ErrChanged, now.Bytes, in.Bytes)
	case now.Sample != in.Sample:
		return fmt.Errorf("%w: its content is different", ErrChanged)
	}
	return nil
}

// Check compares with the file as it is now.
func (in Input) Check(path string) error {
	now, err := Sample(path)
	if err == nil {
		err = in.Compare(now)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
