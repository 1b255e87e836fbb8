package countinghouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"countinghouse.example/client/glextractionpb"
	"countinghouse.example/client/operationspb"
)

// house is a server that refuses as often as it is told, and remembers what it was asked.
type house struct {
	glextractionpb.UnimplementedGLExtractionServiceServer
	operationspb.UnimplementedDataFilesServiceServer
	refusals   []error
	requestIDs []string
	offsets    []int64
	content    []byte
	facts      *operationspb.DataFile
}

func (h *house) refusal() error {
	if len(h.refusals) == 0 {
		return nil
	}
	first := h.refusals[0]
	h.refusals = h.refusals[1:]
	return first
}

func (h *house) CreateLedger(_ context.Context, request *glextractionpb.CreateLedgerRequest) (*glextractionpb.Ledger, error) {
	h.requestIDs = append(h.requestIDs, request.GetRequestId())
	return request.GetLedger(), h.refusal()
}

func (h *house) ListLedgers(_ context.Context, request *glextractionpb.ListLedgersRequest) (*glextractionpb.ListLedgersResponse, error) {
	next := map[string]string{"": "b", "b": "c", "c": ""}[request.GetPageToken()]
	ledgers := []*glextractionpb.Ledger{{Code: "L" + request.GetPageToken()}}
	return &glextractionpb.ListLedgersResponse{Ledgers: ledgers, NextPageToken: next}, h.refusal()
}

func (h *house) GetDataFile(context.Context, *operationspb.GetDataFileRequest) (*operationspb.DataFile, error) {
	return h.facts, nil
}

// DownloadDataFile sends half of what is left, and ends as it is told.
func (h *house) DownloadDataFile(request *operationspb.DownloadDataFileRequest, pieces operationspb.DataFilesService_DownloadDataFileServer) error {
	h.offsets = append(h.offsets, request.GetOffset())
	rest := h.content[request.GetOffset():]
	half := (len(rest) + 1) / 2
	if err := pieces.Send(&operationspb.DownloadDataFileResponse{Offset: request.GetOffset(), Content: rest[:half]}); err != nil {
		return err
	}
	if refusal := h.refusal(); refusal != nil {
		return refusal
	}
	return pieces.Send(&operationspb.DownloadDataFileResponse{Offset: request.GetOffset() + int64(half), Content: rest[half:]})
}

func (h *house) open(t *testing.T) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	glextractionpb.RegisterGLExtractionServiceServer(server, h)
	operationspb.RegisterDataFilesServiceServer(server, h)
	go server.Serve(listener)
	client, err := Connect(listener.Addr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Stop() })
	return client
}

func unavailable() error { return status.Error(codes.Unavailable, "draining") }

func TestOneRequestIDIsKeptOverAllTries(t *testing.T) {
	house := &house{refusals: []error{unavailable(), unavailable()}}
	request := &glextractionpb.CreateLedgerRequest{Ledger: &glextractionpb.Ledger{Code: "A"}}
	if _, err := house.open(t).GL.CreateLedger(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	ids := slices.Compact(slices.Clone(house.requestIDs))
	if len(house.requestIDs) != 3 || len(ids) != 1 || len(ids[0]) != 36 || request.GetRequestId() != "" {
		t.Errorf("made with %q, the caller's own request has %q", house.requestIDs, request.GetRequestId())
	}
}

func TestTriesHaveAnEnd(t *testing.T) {
	house := &house{refusals: slices.Repeat([]error{unavailable()}, 10)}
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	request := &glextractionpb.CreateLedgerRequest{RequestId: "mine"}
	_, err := house.open(t).GL.CreateLedger(ctx, request)
	if lost := AsError(err); lost == nil || !lost.Retryable() || lost.RequestID != "mine" || len(house.requestIDs) >= triesMax {
		t.Errorf("%v after %d tries", err, len(house.requestIDs))
	}
}

func TestAnErrorTellsAllThatTheServerDid(t *testing.T) {
	told, err := status.New(codes.InvalidArgument, "no").WithDetails(
		&errdetails.ErrorInfo{Reason: "WRONG", Metadata: map[string]string{"a": "b"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "ledger.code", Reason: "EMPTY", Description: "is empty"}}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)},
	)
	if err != nil {
		t.Fatal(err)
	}
	house := &house{refusals: []error{told.Err()}}
	_, err = house.open(t).GL.CreateLedger(t.Context(), &glextractionpb.CreateLedgerRequest{})
	refused := AsError(err)
	if refused == nil || refused.Reason != "WRONG" || refused.Values["a"] != "b" || refused.RetryDelay != time.Second || refused.Retryable() {
		t.Fatalf("%+v", err)
	}
	if !slices.Equal(refused.Violations, []Violation{{"ledger.code", "EMPTY", "is empty"}}) || status.Code(err) != codes.InvalidArgument {
		t.Errorf("%+v", refused)
	}
	if len(house.requestIDs) != 1 {
		t.Error("what is wrong was tried again")
	}
}

func TestPagesAreFetchedAsTheyAreAskedFor(t *testing.T) {
	var codes []string
	list := (&house{}).open(t).GL.ListLedgers
	for ledger, err := range Pages(t.Context(), list, &glextractionpb.ListLedgersRequest{}, (*glextractionpb.ListLedgersResponse).GetLedgers) {
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, ledger.GetCode())
	}
	if !slices.Equal(codes, []string{"L", "Lb", "Lc"}) {
		t.Error(codes)
	}
}

func TestADownloadGoesOnWhereItWasCutAndIsProven(t *testing.T) {
	content := []byte("0123456789")
	sum := sha256.Sum256(content)
	facts := &operationspb.DataFile{Name: "dataFileSets/A/files/a", SizeBytes: 10, Sha256: hex.EncodeToString(sum[:])}
	house := &house{content: content, facts: facts, refusals: []error{unavailable()}}
	path := filepath.Join(t.TempDir(), "a")
	client := house.open(t)
	if _, err := client.Download(t.Context(), facts.GetName(), path, DownloadOptions{}); err != nil {
		t.Fatal(err)
	}
	if whole, err := os.ReadFile(path); err != nil || string(whole) != "0123456789" || !slices.Equal(house.offsets, []int64{0, 5}) {
		t.Errorf("%q by %v: %v", whole, house.offsets, err)
	}
	house.content = []byte("0123456780")
	_, err := client.Download(t.Context(), facts.GetName(), path, DownloadOptions{})
	if ReasonOf(err) != "DOWNLOAD_SHA256_MISMATCH" {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left %v: %v", left, err)
	}
}

func TestPatienceEnds(t *testing.T) {
	client, err := Connect("127.0.0.1:1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := Handle[*glextractionpb.GenerateAccountingMessageResponse, *glextractionpb.GenerateAccountingMessageMetadata](client, "operations/a")
	for _, err := range run.Watch(t.Context(), WatchOptions{Persistence: Persistence{Patience: 200 * time.Millisecond}}) {
		if lost := AsError(err); lost == nil || lost.Code != codes.Unavailable {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := run.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestATokenDoesNotGoInClearTextOverANetwork(t *testing.T) {
	if _, err := Connect("books.example.com:50051", Options{Token: Token("secret")}); err == nil {
		t.Error("it would")
	}
	for _, target := range []string{"localhost:1", "dns:///127.0.0.1:1", "[::1]:1", "unix:/a"} {
		if !onThisMachine(target) {
			t.Error(target)
		}
	}
}

func TestAnAmountGoesInAndOutAsItWasWritten(t *testing.T) {
	for _, text := range []string{"0.00", "100.25", "-0.01", "9007199254740993.10", "0.000000001", "-7.50", "-9223372036854775808.00"} {
		amount, err := Money(text, "EUR")
		if err != nil || FormatMoney(amount, 2) != text+" EUR" {
			t.Errorf("%s: %v %v", text, amount, err)
		}
	}
	for _, text := range []string{"", "1,5", "1e3", "1.", ".5", "1.0000000001", " 1", "9223372036854775808"} {
		if amount, err := Money(text, "EUR"); err == nil {
			t.Errorf("%q is %v", text, amount)
		}
	}
}
