package main

import (
	"context"
	"net"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

// AWS Lambda, behind an HTTP API or at a function URL: any http.Handler of the others here.
// A response goes out in one piece. With lambdaurl.Start(newServeMux(a)) in its place, and
// the invoke mode RESPONSE_STREAM of a function URL, events come as they happen.
func newLambda(a *app) function {
	return httpadapter.NewV2(newServeMux(a)).ProxyWithContext
}

type function = func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// serveLambda serves what AWS sends; elsewhere, what a stand-in for its gateway does.
func serveLambda(a *app, listener net.Listener) error {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(newLambda(a))
	}
	return overHTTP(func(a *app) http.Handler { return gateway(newLambda(a)) })(a, listener)
}
