module github.com/seed-8a2ffb75/stripeapps

go 1.25.0

require github.com/stripe/stripe-go/v76 v76.25.0

require github.com/rs/cors v1.11.1

require (
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
