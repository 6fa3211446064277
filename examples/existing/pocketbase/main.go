// Pocketbase is a backend made with PocketBase: main.go is what it was before, stripe.go
// what was added for the Stripe App.
//
//	STRIPE_APP_SECRET=absec_dev go run ./pocketbase serve --http 127.0.0.1:8090
package main

import (
	"log"
	"os"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"
)

func main() {
	app := pocketbase.New()
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		if err := addNotes(e.App); err != nil {
			return err
		}
		return e.Next()
	})
	if err := addStripe(app, []string{os.Getenv("STRIPE_APP_SECRET")}); err != nil {
		log.Fatal(err)
	}
	if err := app.Start(); err != nil { // nil if it was told to stop
		log.Fatal(err)
	}
}

// addNotes adds the collection of this backend, if it is not there. It has no rules, so that
// PocketBase's own API keeps it for superusers.
func addNotes(app core.App) error {
	if _, err := app.FindCollectionByNameOrId("notes"); err == nil {
		return nil
	}
	notes := core.NewBaseCollection("notes")
	notes.Fields.Add(
		&core.TextField{Name: "account", Required: true},
		&core.TextField{Name: "author", Required: true},
		&core.TextField{Name: "text", Required: true},
		&core.AutodateField{Name: "created", OnCreate: true},
	)
	return app.Save(notes)
}
