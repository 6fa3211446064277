// Routers is one small API on nine routers: the file of yours shows it. All have the
// same routes, in the same order, which do the same.
//
//	go run . -router chi
//
// Copy newApp from app.go, and from your router's file what is around the routes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// A router is how an app is served by it, until the listener is closed.
type router struct {
	serve    func(*app, net.Listener) error
	settings settings
}

var routers = map[string]router{
	"net/http": {serve: overHTTP(newServeMux)},
	"chi":      {serve: overHTTP(newChi)},
	"gorilla":  {serve: overHTTP(newGorilla)},
	"gin":      {serve: overHTTP(newGin)},
	"echo":     {serve: overHTTP(newEcho)},
	"huma":     {serve: overHTTP(newHuma)},
	"connect":  {serve: overHTTP(newConnect), settings: forConnect},
	"fiber":    {serve: serveFiber},
	"lambda":   {serve: serveLambda},
}

func overHTTP(newHandler func(*app) http.Handler) func(*app, net.Listener) error {
	return func(a *app, listener net.Listener) error {
		server := &http.Server{Handler: newHandler(a), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
		return server.Serve(listener)
	}
}

func main() {
	names := strings.Join(slices.Sorted(maps.Keys(routers)), ", ")
	name := flag.String("router", "net/http", "one of "+names)
	addr := flag.String("addr", "127.0.0.1:4241", "the address to listen on")
	flag.Parse()
	router, ok := routers[*name]
	if !ok {
		log.Fatalf("-router is %q: it must be one of %s", *name, names)
	}
	secret, err := secretOf(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	app, err := newApp([]string{secret}, router.settings, time.Tick(time.Second))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s listens on http://%s\n", *name, listener.Addr())
	log.Fatal(router.serve(app, listener))
}

// secretOf returns $STRIPE_APP_SECRET, or one that everybody knows: on Lambda anybody could
// sign with that.
func secretOf(getenv func(string) string) (string, error) {
	switch {
	case getenv("STRIPE_APP_SECRET") != "":
		return getenv("STRIPE_APP_SECRET"), nil
	case getenv("AWS_LAMBDA_RUNTIME_API") != "":
		return "", errors.New("STRIPE_APP_SECRET is not set")
	}
	log.Print("STRIPE_APP_SECRET is not set: absec_dev is the secret, for development only")
	return "absec_dev", nil
}
