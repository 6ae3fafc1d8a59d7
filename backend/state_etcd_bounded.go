package backend

import (
	"context"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dapr/components-contrib/state"
	contrib "github.com/dapr/components-contrib/state/etcd"
	kitstrings "github.com/dapr/kit/strings"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
)

// etcdBounds limits one answer: its bytes, and its number of keys. Each key uses far more
// memory than its bytes.
type etcdBounds struct{ bytes, keys int }

var (
	// etcdSmall is for answers that may arrive many at a time.
	etcdSmall = etcdBounds{64 << 10, 16}
	// etcdLarge is for an answer that is read alone: a large config, or a listing, which
	// contrib reads in one answer.
	etcdLarge = etcdBounds{wirelimit.RoomSize, 50_000}
	// etcdWritten is for calls that are not reads.
	etcdWritten = etcdBounds{4 << 10, 16}
)

// etcdHead limits the header list of an answer, in bytes.
const etcdHead = 64 << 10

// boundEtcd gives contrib's store a client that limits answers. etcd's own client allows 2 GiB
// per answer. boundEtcd sends nothing.
func boundEtcd(object state.Store, fields map[string]string) error {
	client := store.Private[*clientv3.Client](object, "client")
	config := clientv3.Config{
		Endpoints:          (*client).Endpoints(),
		MaxCallRecvMsgSize: etcdLarge.bytes,
		DialOptions: []grpc.DialOption{
			grpc.WithMaxHeaderListSize(etcdHead),
			grpc.WithStaticStreamWindowSize(64 << 10),
			grpc.WithStaticConnWindowSize(1 << 20),
			grpc.WithChainUnaryInterceptor(largeOneByOne()),
		},
	}
	if kitstrings.IsTruthy(store.Field(fields, "tlsEnable")) {
		var err error
		if config.TLS, err = contrib.NewTLSConfig(store.Field(fields, "cert"), store.Field(fields, "key"), store.Field(fields, "ca")); err != nil {
			return err
		}
	}
	ours, err := clientv3.New(config)
	if err != nil {
		return err
	}
	_ = (*client).Close()
	*client = ours
	return nil
}

// largeOneByOne repeats a read whose answer is larger than most. Only one such read runs at a
// time.
func largeOneByOne() grpc.UnaryClientInterceptor {
	alone := semaphore.NewWeighted(1)
	return func(
		ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		within := func(bounds etcdBounds) (tooLarge bool, err error) {
			codec := &etcdCodec{CodecV2: encoding.GetCodecV2(proto.Name), keys: bounds.keys}
			err = invoke(ctx, method, req, reply, conn,
				append(opts[:len(opts):len(opts)], grpc.MaxCallRecvMsgSize(bounds.bytes), grpc.ForceCodecV2(codec))...)
			return codec.refused || status.Code(err) == codes.ResourceExhausted, err
		}
		if !strings.HasSuffix(method, "/Range") {
			_, err := within(etcdWritten)
			return err
		}
		tooLarge, err := within(etcdSmall)
		if !tooLarge {
			return err
		}
		if err := alone.Acquire(ctx, 1); err != nil {
			return status.FromContextError(err).Err()
		}
		defer alone.Release(1)
		_, err = within(etcdLarge)
		return err
	}
}

// etcdCodec decodes an answer only if it does not have too many keys.
type etcdCodec struct {
	encoding.CodecV2

	keys    int
	refused bool
}

// Unmarshal implements encoding.CodecV2.
func (c *etcdCodec) Unmarshal(data mem.BufferSlice, v any) error {
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	for text, keys := buffer.ReadOnlyData(), 0; len(text) > 0; keys++ {
		_, _, n := protowire.ConsumeField(text)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if keys > c.keys {
			c.refused = true
			return wirelimit.ErrTooLarge
		}
		text = text[n:]
	}
	return c.CodecV2.Unmarshal(mem.BufferSlice{buffer}, v)
}
