package main

import (
	"errors"
	"net/http"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/seed-8a2ffb75/stripeapps"
)

// addStripe adds routes for the Stripe App, under /stripe/. PocketBase's own routes, and
// the origins that its CORS allows, stay as they are.
func addStripe(app core.App, secrets []string) error {
	bodies, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: secrets})
	ids, idsErr := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: secrets, Source: stripeapps.IDsInHeaders})
	withCORS, corsErr := stripeapps.NewCORS(stripeapps.CORSConfig{})
	withCSP, cspErr := stripeapps.NewCSP(stripeapps.CSPConfig{})
	if err := errors.Join(err, idsErr, corsErr, cspErr); err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		// 1. Each route has its verifier.
		stripe := e.Router.Group("/stripe")
		stripe.POST("/notes", createNote).BindFunc(apis.WrapStdMiddleware(bodies.Handler))
		stripe.GET("/notes", listNotes).BindFunc(apis.WrapStdMiddleware(ids.Handler))

		// 2. Next makes a handler of the routes. CORS goes around it, or PocketBase's own
		// would respond to preflights, and with --origins refuse them.
		if err := e.Next(); err != nil {
			return err
		}
		pocketBase := e.Server.Handler
		mux := http.NewServeMux()
		mux.Handle("/stripe/", withCSP(withCORS(pocketBase)))
		mux.Handle("/", pocketBase)
		e.Server.Handler = mux
		return nil
	})
	return nil
}

func createNote(e *core.RequestEvent) error {
	type payload struct {
		Text string `json:"text"`
	}
	signed, err := stripeapps.DecodePayload[payload](e.Request.Context())
	if err != nil {
		stripeapps.Refuse(e.Response, e.Request, err) // PocketBase would not say what it is
		return nil
	}
	notes, err := e.App.FindCollectionByNameOrId("notes")
	if err != nil {
		return err
	}
	id := stripeapps.MustIdentity(e.Request.Context())
	note := core.NewRecord(notes)
	note.Set("account", id.AccountID)
	note.Set("author", id.UserID)
	note.Set("text", signed.Text)
	if err := e.App.Save(note); err != nil {
		return e.BadRequestError("The note cannot be saved.", err)
	}
	return e.JSON(http.StatusCreated, note)
}

// listNotes knows whose notes by the signature alone: it never looks at e.Auth.
func listNotes(e *core.RequestEvent) error {
	id := stripeapps.MustIdentity(e.Request.Context())
	notes, err := e.App.FindRecordsByFilter("notes", "account = {:account}", "-created", 100, 0, dbx.Params{"account": id.AccountID})
	if err != nil {
		return err
	}
	return e.JSON(http.StatusOK, notes)
}
