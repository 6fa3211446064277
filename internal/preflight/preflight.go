// Package preflight responds to the request that a browser sends before one that
// needs CORS.
package preflight

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/cors"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

// Config says what is allowed.
type Config struct {
	Origins          fetch.AllowedOrigins
	Methods, Headers []string
	MaxAge           time.Duration
}

// Handler responds to preflights, with 204, whether they match or not.
type Handler struct {
	origins            fetch.AllowedOrigins
	open, credentialed http.Handler // for origins without and with credentials
	refusesOptions     bool         // as a method of requests

	methods, headers string // the whole lists, as they are sent
	methodList       []string
	lowerHeaders     []string
	maxAge           string
}

// New returns a Handler. The lists of cfg are copied.
func New(cfg Config) *Handler {
	h := &Handler{
		origins:        cfg.Origins,
		refusesOptions: !slices.Contains(cfg.Methods, http.MethodOptions),
		methods:        strings.Join(cfg.Methods, ", "),
		headers:        strings.Join(cfg.Headers, ", "),
		methodList:     slices.Clone(cfg.Methods),
		lowerHeaders:   strings.Split(strings.ToLower(strings.Join(cfg.Headers, ",")), ","),
		maxAge:         strconv.Itoa(int(cfg.MaxAge / time.Second)),
	}
	options := cors.Options{
		// Exact, and one look-up: the lists of rs/cors ignore case.
		AllowOriginFunc: func(origin string) bool {
			allowed, _ := h.origins.Grant(origin)
			return allowed != ""
		},
		AllowedMethods:     slices.Clone(cfg.Methods),
		AllowedHeaders:     slices.Clone(cfg.Headers),
		AllowCredentials:   true,
		MaxAge:             int(cfg.MaxAge / time.Second),
		OptionsPassthrough: true, // to change the headers before they are sent
	}
	finish := http.HandlerFunc(h.finish)
	h.credentialed = cors.New(options).Handler(finish) // sends the origin itself, never *
	options.AllowCredentials = false
	if h.origins.Any() {
		options.AllowOriginFunc, options.AllowedOrigins = nil, []string{"*"}
	}
	h.open = cors.New(options).Handler(finish)
	return h
}

// Is reports whether r is a preflight.
func Is(r *http.Request) bool {
	if r.Method != http.MethodOptions {
		return false
	}
	methods := r.Header["Access-Control-Request-Method"] // Get would look at each byte of the name
	return len(methods) > 0 && methods[0] != ""
}

// ServeHTTP responds to r, which is a preflight.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	forget(header) // what a part outside has granted
	if h.grantUsual(header, r) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if _, credentials := h.origins.Grant(r.Header.Get("Origin")); credentials {
		h.credentialed.ServeHTTP(w, r)
	} else {
		h.open.ServeHTTP(w, r)
	}
}

// finish corrects the headers that rs/cors has set, and sends them.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if h.refusesOptions && r.Header.Get("Access-Control-Request-Method") == http.MethodOptions {
		forget(header) // rs/cors always allows it
	}
	// Of a request header that is repeated, rs/cors checks the first value, but
	// returns all.
	for _, name := range [...]string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods"} {
		if values := header[name]; len(values) > 1 {
			header[name] = values[:1]
		}
	}
	// Some of the slices are shared by all responses, others belong to the
	// request: https://github.com/rs/cors/issues/198.
	response.Unshare(header, headers[:]...)
	header["Vary"] = response.MergeNames(header["Vary"])
	if header["Access-Control-Allow-Origin"] == nil {
		h.explain(header, r)
	}
	w.WriteHeader(http.StatusNoContent)
}

// explain lets an origin that is allowed read the response to a preflight whose
// method or headers are not: a browser without those headers would name the origin
// as the cause; with lists of what is allowed, it names the method or the header.
func (h *Handler) explain(header http.Header, r *http.Request) {
	origin, credentials := h.origins.Grant(r.Header.Get("Origin"))
	if origin == "" {
		return
	}
	header.Set("Access-Control-Allow-Origin", origin)
	if credentials {
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	header.Set("Access-Control-Allow-Methods", h.methods)
	header.Set("Access-Control-Allow-Headers", h.headers)
}

func forget(header http.Header) {
	if len(header) == 0 {
		return
	}
	for _, name := range headers {
		if name != "Vary" {
			delete(header, name)
		}
	}
}

var headers = [...]string{
	"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
	"Access-Control-Allow-Credentials", "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Vary",
}
