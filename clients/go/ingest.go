package countinghouse

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"countinghouse.example/client/glextractionpb"
)

const (
	streamRowsMax   = 10_000 // of a stream of at most so many rows, the server lists every refusal
	streamTime      = 5 * time.Minute
	streamsAtOnce   = 2
	messageRowsMax  = 1_000
	messageBytesMax = 1 << 20 // well under the 4 MiB that a server takes in one message
)

// Refusal is a row that was left out.
type Refusal struct {
	Row                int // its place among the rows handed in, from 0
	Source, ExternalID string
	Violations         []Violation
}

// IngestTotals say what became of the rows: Received = Created + Unchanged + Refused.
type IngestTotals struct {
	Received  int
	Created   int // stored by this call
	Unchanged int // there already with the same content; those of a stream that was cut and sent again, too
	Refused   int
}

// IngestOptions say how to ingest.
type IngestOptions struct {
	Persistence
	OnRefusal  func(Refusal)      // told of each refused row, in their order
	OnProgress func(IngestTotals) // told after each stream what became of the rows so far
}

// Ingest sends the rows, however many, and gives what became of them.
//
// They are taken from rows no further ahead than the streams under way. A stream that is cut is sent again: rows are
// known by source and external id, so nothing is stored twice. After an error, send the same rows again.
func (c *Client) Ingest(ctx context.Context, rows iter.Seq[*glextractionpb.AccountingDetail], options IngestOptions) (IngestTotals, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	totals := IngestTotals{}
	underWay := make([]*batch, 0, streamsAtOnce+1)
	settle := func() error {
		first := underWay[0]
		underWay = underWay[1:]
		return first.settle(&totals, options)
	}
	for batch := range batches(rows) {
		go c.send(ctx, batch, newPatience(options.Persistence))
		if underWay = append(underWay, batch); len(underWay) > streamsAtOnce {
			if err := settle(); err != nil {
				return totals, err
			}
		}
	}
	for len(underWay) > 0 {
		if err := settle(); err != nil {
			return totals, err
		}
	}
	return totals, nil
}

// batch is the rows of one stream, packed, so that it can be sent again when it is cut.
type batch struct {
	first    int // the place of its first row among all
	received int
	requests []*glextractionpb.IngestAccountingDetailsRequest
	places   []int // of the rows sent, among all
	bytes    int   // of the last request
	tooLarge []Refusal
	done     chan struct{}
	answer   *glextractionpb.IngestAccountingDetailsResponse
	err      error
}

func batches(rows iter.Seq[*glextractionpb.AccountingDetail]) iter.Seq[*batch] {
	return func(yield func(*batch) bool) {
		next := &batch{done: make(chan struct{})}
		for row := range rows {
			next.add(row)
			if next.received < streamRowsMax {
				continue
			}
			if !yield(next) {
				return
			}
			next = &batch{first: next.first + next.received, done: make(chan struct{})}
		}
		if next.received > 0 {
			yield(next)
		}
	}
}

// add packs a row; one that no message can carry is refused here.
func (b *batch) add(row *glextractionpb.AccountingDetail) {
	place, size := b.first+b.received, proto.Size(row)+8 // and the field's tag and length
	b.received++
	if size > messageBytesMax {
		violation := Violation{Reason: "ROW_TOO_LARGE", Description: "the row is larger than a message may be"}
		b.tooLarge = append(b.tooLarge, Refusal{place, row.GetSource(), row.GetExternalId(), []Violation{violation}})
		return
	}
	last := len(b.requests) - 1
	if last < 0 || b.bytes+size > messageBytesMax || len(b.requests[last].AccountingDetails) == messageRowsMax {
		b.requests, b.bytes = append(b.requests, &glextractionpb.IngestAccountingDetailsRequest{}), 0
		last++
	}
	b.requests[last].AccountingDetails = append(b.requests[last].AccountingDetails, row)
	b.bytes += size
	b.places = append(b.places, place)
}

func (c *Client) send(ctx context.Context, b *batch, patience *patience) {
	defer close(b.done)
	for {
		b.answer, b.err = c.stream(ctx, b.requests)
		lost := AsError(b.err)
		if b.err == nil || ctx.Err() != nil || lost == nil {
			return
		}
		if !cut(lost) && lost.Code != codes.Aborted && lost.Code != codes.ResourceExhausted {
			return
		}
		if b.err = patience.wait(ctx, lost); b.err != nil {
			return
		}
	}
}

func (c *Client) stream(ctx context.Context, requests []*glextractionpb.IngestAccountingDetailsRequest) (*glextractionpb.IngestAccountingDetailsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, streamTime)
	defer cancel()
	stream, err := c.GL.IngestAccountingDetails(ctx)
	if err != nil {
		return nil, err
	}
	for _, request := range requests {
		if err = stream.Send(request); err != nil {
			break
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return stream.CloseAndRecv() // after an early end, tells why
}

func (b *batch) settle(totals *IngestTotals, options IngestOptions) error {
	<-b.done
	if b.err != nil {
		return b.err
	}
	refusals := b.refusals()
	totals.Received += b.received
	totals.Created += int(b.answer.GetCreatedCount())
	totals.Unchanged += int(b.answer.GetUnchangedCount())
	totals.Refused += len(refusals)
	if options.OnRefusal != nil {
		for _, refusal := range refusals {
			options.OnRefusal(refusal)
		}
	}
	if options.OnProgress != nil {
		options.OnProgress(*totals)
	}
	return nil
}

// refusals are those of the server and those made here, in the order of the rows.
func (b *batch) refusals() []Refusal {
	all := make([]Refusal, 0, len(b.answer.GetRefusedRows())+len(b.tooLarge))
	mine := b.tooLarge
	for _, row := range b.answer.GetRefusedRows() {
		refusal := Refusal{Row: b.places[row.GetRow()], Source: row.GetSource(), ExternalID: row.GetExternalId()}
		for _, v := range row.GetViolations() {
			refusal.Violations = append(refusal.Violations, Violation{v.GetField(), v.GetReason(), v.GetDescription()})
		}
		for len(mine) > 0 && mine[0].Row < refusal.Row {
			all, mine = append(all, mine[0]), mine[1:]
		}
		all = append(all, refusal)
	}
	return append(all, mine...)
}
