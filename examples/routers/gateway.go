package main

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// gateway plays API Gateway's HTTP API: it makes an event of payload format 2.0 of each
// request, with the lines of a header joined, and a response of what the function returns.
func gateway(function function) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		event := events.APIGatewayV2HTTPRequest{
			Version: "2.0", RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
			Headers: map[string]string{"host": r.Host},
			Body:    base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
		}
		for name, lines := range r.Header {
			event.Headers[strings.ToLower(name)] = strings.Join(lines, ",")
		}
		event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path = r.Method, r.URL.Path

		response, err := function(r.Context(), event)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		for name, value := range response.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(response.StatusCode)
		io.WriteString(w, response.Body)
	})
}
