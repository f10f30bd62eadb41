package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// partSize is how much of a file is sent at once, in bytes. 10,000 parts are the most.
const partSize = 16 << 20

// S3 keeps files in a bucket of a server that speaks S3.
type S3 struct {
	c              *minio.Client
	bucket, prefix string
}

// OpenS3 opens a bucket, by its address: https://HOST/BUCKET or https://HOST/BUCKET/FOLDER. The
// keys are those of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or of ~/.aws/credentials.
// transport defaults to the client's own.
func OpenS3(ctx context.Context, address string, transport http.RoundTripper) (*S3, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, fmt.Errorf("the address of the store must be https://HOST/BUCKET, and have no password in it")
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if bucket == "" {
		return nil, fmt.Errorf("%s names no bucket: write https://HOST/BUCKET", u.Redacted())
	}
	c, err := minio.New(u.Host, &minio.Options{Secure: u.Scheme == "https", Transport: transport, MaxRetries: 3,
		Creds: credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	there, err := c.BucketExists(ctx, bucket)
	switch {
	case err != nil:
		return nil, fault(u.Redacted(), err)
	case !there:
		return nil, fmt.Errorf("%s: there is no such bucket: make it, or write another address", u.Redacted())
	}
	return &S3{c, bucket, prefix}, nil
}

// key returns a file's name in the bucket.
func (s *S3) key(name string) (string, error) { return path.Join(s.prefix, name), check(name) }

// fault makes errors of the server those of this package.
func fault(name string, err error) error {
	if err == nil {
		return nil
	}
	switch minio.ToErrorResponse(err).Code {
	case minio.NoSuchKey:
		return fmt.Errorf("%s: %w", name, ErrMissing)
	case "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage":
		return fmt.Errorf("%w: %w", ErrFull, err)
	case minio.AccessDenied, "RequestTimeTooSkewed":
		// A question without a body is answered without one, which says no more than that.
		return fmt.Errorf("%s: the store refuses: check the keys, what they may do with the bucket, and this machine's clock, which must be right to a few minutes (timedatectl set-ntp true): %w", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Put implements Store. The server shows the file when its last part has come.
func (s *S3) Put(ctx context.Context, name string, r io.Reader) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	_, err = s.c.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err = fault(name, err); err == nil || !errors.Is(err, ErrMissing) {
		return err
	}
	_, err = s.c.PutObject(ctx, s.bucket, key, reader{ctx, r}, -1, minio.PutObjectOptions{PartSize: partSize})
	return fault(name, err)
}

// Open implements Store. What it returns can seek.
func (s *S3) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	key, err := s.key(name)
	if err != nil {
		return nil, err
	}
	o, err := s.c.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, fault(name, err)
	}
	if _, err := o.Stat(); err != nil {
		return nil, errors.Join(fault(name, err), o.Close())
	}
	return o, nil
}

// Remove implements Store.
func (s *S3) Remove(ctx context.Context, name string) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	return fault(name, s.c.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}))
}
