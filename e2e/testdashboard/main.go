// Testdashboard is stripeappstest's Dashboard for the browser tests: it prints
// where that is and, to its log, that it signs, and runs until it is stopped.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

func main() {
	script := flag.String("script", "", "the `file` of the extension, as one script")
	dir := flag.String("dir", "", "the `folder` of the extension, as a page")
	user := flag.String("user", "", "who uses the Dashboard")
	account := flag.String("account", "", "the account that they use")
	mode := flag.String("mode", "", "test or live")
	ago := flag.Duration("ago", 0, "how long ago the signatures are made")
	flag.Parse()

	config := stripeappstest.DashboardConfig{
		Secrets:   []string{os.Getenv("STRIPE_APP_SECRET")},
		UserID:    *user,
		AccountID: *account,
		Mode:      *mode,
		Now: func() time.Time {
			log.Print("signs")
			return time.Now().Add(-*ago)
		},
	}
	if *script != "" {
		var err error
		if config.Script, err = os.ReadFile(*script); err != nil {
			log.Fatal(err)
		}
	}
	if *dir != "" {
		config.Extension = http.FileServer(http.Dir(*dir))
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dashboard := stripeappstest.NewDashboard(config)
	defer dashboard.Close()
	fmt.Printf("%s %s\n", dashboard.URL, dashboard.RedirectURI)
	<-ctx.Done()
}
