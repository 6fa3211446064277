package redisreplay_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/redisreplay"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// A route that pays out once for each signature, whichever of several processes gets
// it.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{
		Addr:                  os.Getenv("REDIS_ADDR"),
		Password:              os.Getenv("REDIS_PASSWORD"),
		ContextTimeoutEnabled: true, // or New refuses it
	})
	defer client.Close()
	guard, err := redisreplay.New(client, redisreplay.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := guard.Check(ctx); errors.Is(err, redisreplay.ErrPolicyUnknown) {
		log.Print(err) // it was looked up where the server is configured
	} else if err != nil {
		log.Fatal(err)
	}

	once, err := replay.Once(replay.Config{Guard: guard})
	if err != nil {
		log.Fatal(err)
	}
	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{os.Getenv("STRIPE_APP_SECRET")}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /api/payouts", once(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "paid out")
	})))
	log.Fatal(http.ListenAndServe("127.0.0.1:4242", protect(mux)))
}
