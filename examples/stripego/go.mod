module github.com/seed-8a2ffb75/stripeapps/examples/stripego

go 1.26.4

replace github.com/seed-8a2ffb75/stripeapps => ../..

require (
	github.com/seed-8a2ffb75/stripeapps v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	github.com/stripe/stripe-go/v85 v85.0.0
)

require (
	github.com/rs/cors v1.11.1 // indirect
	github.com/stripe/stripe-go/v76 v76.25.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/oauth2 v0.36.0 // indirect
)
