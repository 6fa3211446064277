package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/seed-8a2ffb75/stripeapps"
)

// connect: what is signed as a body is a unary call in JSON, as fetch can send it.
// Other calls, in Protobuf or streamed, need the ids in headers, which a client's
// interceptor can set. The types of structpb stand for generated ones.
func newConnect(a *app) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/greeting", a.signedIDs(connect.NewUnaryHandlerSimple("/api/greeting",
		func(ctx context.Context, _ *emptypb.Empty) (*structpb.Struct, error) {
			return inProtobuf(greet(stripeapps.MustIdentity(ctx))), nil
		}, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))) // so that GET is allowed
	mux.Handle("POST /api/refunds", a.signedRefund(connect.NewUnaryHandlerSimple("/api/refunds",
		func(ctx context.Context, _ *structpb.Struct) (*structpb.Struct, error) {
			refund, err := stripeapps.DecodePayload[refund](ctx)
			if err != nil {
				return nil, connect.NewError(connect.CodeInvalidArgument, err)
			}
			return inProtobuf(refund.make(stripeapps.MustIdentity(ctx))), nil
		})))
	mux.Handle("POST /api/events", a.signedIDs(connect.NewServerStreamHandlerSimple("/api/events",
		func(ctx context.Context, _ *emptypb.Empty, stream *connect.ServerStream[structpb.Struct]) error {
			for event := range a.events(ctx, stripeapps.MustIdentity(ctx)) {
				if err := stream.Send(inProtobuf(event)); err != nil {
					return err
				}
			}
			return nil
		})))
	mux.Handle("/api/broken", a.signedIDs(connect.NewUnaryHandlerSimple("/api/broken",
		func(context.Context, *emptypb.Empty) (*structpb.Struct, error) {
			return inProtobuf(broken()), nil
		}, connect.WithIdempotency(connect.IdempotencyNoSideEffects))))
	return a.public(mux)
}

// forConnect lets connect's clients send what they send in browsers, and read why they
// were refused.
var forConnect = settings{
	verifier: stripeapps.VerifierConfig{ErrorHandler: refuseConnect},
	cors:     stripeapps.CORSConfig{Headers: []string{"Connect-Protocol-Version", "Connect-Timeout-Ms"}},
}

func refuseConnect(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *stripeapps.Error
	errors.As(err, &refusal) // it always is one
	w.Header().Set("Cache-Control", "no-store")
	if refusal.Status() == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Stripe-Signature")
	}
	code := cmp.Or(connectCodes[refusal.Status()], connect.CodeInternal)
	connect.NewErrorWriter().Write(w, r, connect.NewError(code, refusal))
}

var connectCodes = map[int]connect.Code{
	http.StatusBadRequest:            connect.CodeInvalidArgument,
	http.StatusUnauthorized:          connect.CodeUnauthenticated,
	http.StatusForbidden:             connect.CodePermissionDenied,
	http.StatusRequestEntityTooLarge: connect.CodeResourceExhausted,
}

func inProtobuf(m message) *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{"text": structpb.NewStringValue(m.Text)}}
}
