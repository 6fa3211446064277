module github.com/seed-8a2ffb75/stripeapps/loadtest

go 1.26.0

replace (
	github.com/seed-8a2ffb75/stripeapps => ..
	github.com/seed-8a2ffb75/stripeapps/redisreplay => ../redisreplay
)

require (
	github.com/redis/go-redis/v9 v9.23.0
	github.com/seed-8a2ffb75/stripeapps v0.1.0
	github.com/seed-8a2ffb75/stripeapps/redisreplay v0.1.0
	github.com/stretchr/testify v1.12.1
	github.com/tsenart/vegeta/v12 v12.13.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/influxdata/tdigest v0.0.1 // indirect
	github.com/josharian/intern v1.0.0 // indirect
	github.com/mailru/easyjson v0.7.7 // indirect
	github.com/rs/cors v1.11.1 // indirect
	github.com/rs/dnscache v0.0.0-20230804202142-fc85eb664529 // indirect
	github.com/stripe/stripe-go/v76 v76.25.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)
