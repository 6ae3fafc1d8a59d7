package gcp

import (
	"context"
	"strings"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"credential-resolver/internal/wirelimit"
)

// bound limits one answer: its bytes, and its number of fields. Each field may use far more memory
// than its bytes.
type bound struct{ bytes, fields int }

var (
	// small is for answers that may arrive many at a time.
	small = bound{64 << 10, 1000}
	// large is for an answer that is read alone: a large config, or a page of a listing.
	large = bound{wirelimit.MaxMessage, 50_000}
)

// within makes a call whose answer is small, and repeats it if the answer is larger. Only one call
// with a large answer runs at a time.
func within(ctx context.Context, alone *semaphore.Weighted, most bound, do func(context.Context, ...grpc.CallOption) error) error {
	if most == small {
		codec := &boundedCodec{CodecV2: encoding.GetCodecV2(grpcproto.Name), left: small.fields}
		err := do(ctx, grpc.MaxCallRecvMsgSize(small.bytes), grpc.ForceCodecV2(codec))
		if !tooLarge(err) {
			return err
		}
	}
	if err := alone.Acquire(ctx, 1); err != nil {
		return status.FromContextError(err).Err()
	}
	defer alone.Release(1)
	codec := &boundedCodec{CodecV2: encoding.GetCodecV2(grpcproto.Name), left: large.fields}
	return do(ctx, grpc.MaxCallRecvMsgSize(large.bytes), grpc.ForceCodecV2(codec))
}

// tooLarge reports whether gRPC refused an answer because of its size. The service has the same code
// for throttling.
func tooLarge(err error) bool {
	said := status.Convert(err)
	return said.Code() == codes.ResourceExhausted && strings.HasPrefix(said.Message(), "grpc: received message")
}

// boundedCodec decodes one answer, and only if it does not have too many fields.
type boundedCodec struct {
	encoding.CodecV2

	left int // how many fields it may still have
}

// Unmarshal implements encoding.CodecV2.
func (c *boundedCodec) Unmarshal(data mem.BufferSlice, v any) error {
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	if message, ok := v.(proto.Message); ok {
		if err := c.count(message.ProtoReflect().Descriptor(), buffer.ReadOnlyData(), maxDepth); err != nil {
			return err
		}
	}
	return c.CodecV2.Unmarshal(mem.BufferSlice{buffer}, v)
}

// maxDepth is how deep the messages of an answer are nested, at most.
const maxDepth = 20

// count counts the fields of a message, and of the messages in it.
func (c *boundedCodec) count(of protoreflect.MessageDescriptor, text []byte, depth int) error {
	if depth == 0 {
		return wirelimit.ErrTooLarge
	}
	for len(text) > 0 {
		number, kind, n := protowire.ConsumeTag(text)
		if n < 0 {
			return protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, kind, text[n:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		if c.left--; c.left < 0 {
			return wirelimit.ErrTooLarge
		}
		if field := of.Fields().ByNumber(number); kind == protowire.BytesType && field != nil && field.Message() != nil {
			inner, _ := protowire.ConsumeBytes(text[n:])
			if err := c.count(field.Message(), inner, depth-1); err != nil {
				return err
			}
		}
		text = text[n+size:]
	}
	return nil
}
