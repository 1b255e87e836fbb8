package countinghouse

import (
	"context"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Pages gives every item of a list; the next page is fetched when it is asked for.
//
//	for ledger, err := range countinghouse.Pages(ctx, client.GL.ListLedgers, &glextractionpb.ListLedgersRequest{},
//		(*glextractionpb.ListLedgersResponse).GetLedgers) { … }
func Pages[Request proto.Message, Answer interface{ GetNextPageToken() string }, Item any](
	ctx context.Context,
	list func(context.Context, Request, ...grpc.CallOption) (Answer, error),
	request Request,
	items func(Answer) []Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		page := proto.Clone(request)
		token := page.ProtoReflect().Descriptor().Fields().ByName("page_token")
		for {
			answer, err := list(ctx, page.(Request))
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range items(answer) {
				if !yield(item, nil) {
					return
				}
			}
			if answer.GetNextPageToken() == "" {
				return
			}
			page.ProtoReflect().Set(token, protoreflect.ValueOfString(answer.GetNextPageToken()))
		}
	}
}
