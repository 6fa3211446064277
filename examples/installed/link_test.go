package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/examples/installed/standin"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

func TestTheLastChangeOfAnInstallCountsInWhateverOrderItIsHeardOf(t *testing.T) {
	id, start := install.ID{Account: "acct_1", Mode: install.Test}, time.Unix(1700000000, 0)
	installed := func(second int) func(*accounts) {
		return func(a *accounts) { a.add(id, start.Add(time.Duration(second)*time.Second)) }
	}
	uninstalled := func(second int) func(*accounts) {
		return func(a *accounts) {
			require.NoError(t, a.forget(t.Context(), id, start.Add(time.Duration(second)*time.Second)))
		}
	}
	for name, test := range map[string]struct {
		heard []func(*accounts)
		want  error
	}{
		"nothing":                      {nil, install.ErrNotInstalled},
		"an install":                   {[]func(*accounts){installed(1)}, nil},
		"an install, and an uninstall": {[]func(*accounts){installed(1), uninstalled(2)}, install.ErrNotInstalled},
		"an uninstall, and the install before it":      {[]func(*accounts){uninstalled(2), installed(1)}, install.ErrNotInstalled},
		"two installs, and the uninstall between them": {[]func(*accounts){installed(1), installed(3), uninstalled(2)}, nil},
		"an uninstall in the second of the install":    {[]func(*accounts){installed(1), uninstalled(1)}, install.ErrNotInstalled},
		"an install in the second of the uninstall":    {[]func(*accounts){uninstalled(1), installed(1)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := &accounts{last: map[install.ID]change{}}
			for _, hear := range test.heard {
				hear(a)
			}
			assert.Equal(t, test.want, a.check(t.Context(), id))
		})
	}
}

// The browser is slow, or this machine's clock is ahead.
func TestAnInstallIsDatedByItsSignature(t *testing.T) {
	w := newWorld(t, false)
	b := w.newBrowser()
	back := b.wayBack()
	query, now := back.Query(), time.Now()
	query.Set("install_signature", stripeappstest.Sign(map[string]string{"state": query.Get("state")}, stripeappstest.At(now.Add(-60*time.Second)),
		stripeappstest.WithSecret(standin.AppSecret), stripeappstest.WithUser(standin.UserID), stripeappstest.WithAccount(standin.AccountID)))
	back.RawQuery = query.Encode()
	assert.Equal(t, 200, b.open(back.String()).status)
	w.assertInstalled()
	got := w.do(stripeappstest.NewEvent(w.site+"/stripe/events", "account.application.deauthorized", nil, stripeappstest.At(now.Add(-30*time.Second)),
		stripeappstest.InTestMode(), stripeappstest.WithSecret(standin.WebhookSecret), stripeappstest.WithAccount(standin.AccountID)))
	assert.Equal(t, 200, got.status, got.text)
	w.assertNotInstalled()
}
