package main

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/seed-8a2ffb75/stripeapps"
)

type (
	humaOutput struct{ Body message }
	humaRefund struct {
		Body struct {
			refund
			_ struct{} `json:"-" additionalProperties:"true"` // user_id, account_id, action
		}
	}
)

// huma: it reads and checks the body itself, after it was verified. Its page of
// documentation needs a policy that lets it load scripts: serve that beside public.
func newHuma(a *app) http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Refunds", "1.0.0")
	config.DocsPath = ""
	api := humago.New(mux, config)
	ids := huma.Middlewares{humaMiddleware(a.signedIDs)}

	huma.Register(api, huma.Operation{Method: "GET", Path: "/api/greeting", OperationID: "greet", Middlewares: ids},
		func(ctx context.Context, _ *struct{}) (*humaOutput, error) {
			return &humaOutput{greet(stripeapps.MustIdentity(ctx))}, nil
		})
	huma.Register(api, huma.Operation{Method: "POST", Path: "/api/refunds", OperationID: "refund",
		Middlewares: huma.Middlewares{humaMiddleware(a.signedRefund)}},
		func(ctx context.Context, in *humaRefund) (*humaOutput, error) {
			return &humaOutput{in.Body.refund.make(stripeapps.MustIdentity(ctx))}, nil
		})
	sse.Register(api, huma.Operation{Method: "GET", Path: "/api/events", OperationID: "watch", Middlewares: ids},
		map[string]any{"message": message{}},
		func(ctx context.Context, _ *struct{}, send sse.Sender) {
			for event := range a.events(ctx, stripeapps.MustIdentity(ctx)) {
				send.Data(event)
			}
		})
	huma.Register(api, huma.Operation{Method: "GET", Path: "/api/broken", OperationID: "break", Middlewares: ids},
		func(context.Context, *struct{}) (*humaOutput, error) { return &humaOutput{broken()}, nil })
	return a.public(mux)
}

func humaMiddleware(middleware stripeapps.Middleware) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		middleware(http.HandlerFunc(func(_ http.ResponseWriter, verified *http.Request) {
			*r = *verified // or huma reads the body of its own request, which was read
			next(huma.WithContext(ctx, verified.Context()))
		})).ServeHTTP(w, r)
	}
}
