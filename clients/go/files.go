package countinghouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/grpc/codes"

	"countinghouse.example/client/operationspb"
)

// DownloadOptions say how to download.
type DownloadOptions struct {
	Persistence
	OnBytes func(received, size int64) // told the bytes that are there and the bytes that there are
}

// Download fetches `dataFileSets/{code}/files/{file}` to path; it gives the file's facts.
//
// The bytes go to a temporary name beside path, are taken up again where a connection or an earlier download was cut,
// and become path only once their SHA-256 is that of the file; what differs is codes.DataLoss.
func (c *Client) Download(ctx context.Context, name, path string, options DownloadOptions) (*operationspb.DataFile, error) {
	facts, err := c.Files.GetDataFile(ctx, &operationspb.GetDataFileRequest{Name: name})
	if err != nil {
		return nil, err
	}
	partial, err := openPartial(facts, path)
	if err != nil {
		return nil, err
	}
	defer partial.file.Close()
	if err = c.fetchRest(ctx, partial, options); err == nil {
		err = partial.finish(path)
	}
	if failure := AsError(err); failure != nil && failure.Code == codes.DataLoss {
		err = errors.Join(err, os.Remove(partial.file.Name()))
	}
	return facts, err
}

func (c *Client) fetchRest(ctx context.Context, partial *partial, options DownloadOptions) error {
	patience := newPatience(options.Persistence)
	for partial.received < partial.facts.GetSizeBytes() {
		err := c.fetch(ctx, partial, patience, options)
		if partial.received == partial.facts.GetSizeBytes() {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		lost := AsError(err)
		if errors.Is(err, io.EOF) {
			lost = own(codes.Unavailable, "", "the stream of %s ended before the file did", partial.facts.GetName())
		} else if lost == nil || !cut(lost) {
			return err
		}
		if err = patience.wait(ctx, lost); err != nil {
			return err
		}
	}
	return nil
}

// fetch is one call of a download.
func (c *Client) fetch(ctx context.Context, partial *partial, patience *patience, options DownloadOptions) error {
	ctx, cancel := context.WithTimeout(ctx, leg)
	defer cancel()
	request := &operationspb.DownloadDataFileRequest{Name: partial.facts.GetName(), Offset: partial.received}
	pieces, err := c.Files.DownloadDataFile(ctx, request)
	for err == nil {
		var piece *operationspb.DownloadDataFileResponse
		if piece, err = pieces.Recv(); err != nil {
			break
		}
		if err = partial.take(piece); err == nil && len(piece.GetContent()) > 0 {
			patience.progressed()
			if options.OnBytes != nil {
				options.OnBytes(partial.received, partial.facts.GetSizeBytes())
			}
		}
	}
	return err
}

// partial is the bytes of one file received so far. They stand in `.{name}.{half of the SHA-256}.part` beside the
// target: what a broken-off download left is taken up by the next one of the same content, and by no other.
type partial struct {
	facts    *operationspb.DataFile
	file     *os.File
	hash     hash.Hash
	received int64
}

func openPartial(facts *operationspb.DataFile, path string) (*partial, error) {
	beside := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%.32s.part", filepath.Base(path), facts.GetSha256()))
	file, err := os.OpenFile(beside, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	p := &partial{facts: facts, file: file, hash: sha256.New()}
	p.received, err = io.Copy(p.hash, file)
	if err == nil && p.received > facts.GetSizeBytes() {
		p.hash.Reset()
		p.received, err = 0, file.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return p, nil
}

func (p *partial) take(piece *operationspb.DownloadDataFileResponse) error {
	content := piece.GetContent()
	if len(content) > 0 && piece.GetOffset() != p.received {
		return own(codes.DataLoss, "DOWNLOAD_OFFSET_WRONG", "%s: bytes from %d came where %d was due", p.facts.GetName(), piece.GetOffset(), p.received)
	}
	if p.received+int64(len(content)) > p.facts.GetSizeBytes() {
		return own(codes.DataLoss, "DOWNLOAD_SIZE_WRONG", "%s: more than its %d bytes came", p.facts.GetName(), p.facts.GetSizeBytes())
	}
	written, err := p.file.Write(content)
	p.hash.Write(content[:written])
	p.received += int64(written)
	return err
}

// finish proves the content and puts it in place of the target, whole.
func (p *partial) finish(path string) error {
	if hex.EncodeToString(p.hash.Sum(nil)) != p.facts.GetSha256() {
		return own(codes.DataLoss, "DOWNLOAD_SHA256_MISMATCH", "%s: the bytes received are not those that were written", p.facts.GetName())
	}
	if err := errors.Join(p.file.Sync(), p.file.Close()); err != nil {
		return err
	}
	return os.Rename(p.file.Name(), path)
}
