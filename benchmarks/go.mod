module github.com/seed-8a2ffb75/stripeapps/benchmarks

go 1.26.4

replace github.com/seed-8a2ffb75/stripeapps => ..

require (
	github.com/go-chi/cors v1.2.2
	github.com/google/go-github/v93 v93.0.0
	github.com/jub0bs/cors v0.13.0
	github.com/rs/cors v1.11.1
	github.com/seed-8a2ffb75/stripeapps v0.0.0-00010101000000-000000000000
	github.com/slack-go/slack v0.35.0
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
	github.com/stretchr/testify v1.12.1
	github.com/stripe/stripe-go/v76 v76.25.0
	github.com/stripe/stripe-go/v85 v85.0.0
	github.com/svix/svix-webhooks v1.44.0
)

require (
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	gopkg.in/validator.v2 v2.0.1 // indirect
)
