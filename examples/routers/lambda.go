package main

import (
	"context"
	"net"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

// AWS Lambda behind an HTTP API, or a function URL: any handler of the others here.
// The response goes out in one piece. With lambdaurl.Start(newServeMux(a)) in its place,
// and the function URL's RESPONSE_STREAM, events come as they happen.
func newLambda(a *app) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return httpadapter.NewV2(newServeMux(a)).ProxyWithContext
}

// serveLambda serves what AWS sends. That is not by HTTP.
func serveLambda(a *app, _ net.Listener) error {
	lambda.Start(newLambda(a))
	return nil
}
