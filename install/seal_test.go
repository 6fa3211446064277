package install_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/install"
)

// sealedWith has a process use these of the keys.
func sealedWith(keys ...int) func(*install.TokensConfig) {
	return func(cfg *install.TokensConfig) {
		cfg.SealingKeys = nil
		for _, i := range keys {
			cfg.SealingKeys = append(cfg.SealingKeys, seals[i])
		}
	}
}

// put stores data for an install, whatever there is.
func (w *world) put(id install.ID, data []byte) {
	w.Helper()
	old, _ := w.store.Load(w.Context(), id)
	require.NoError(w, w.store.Save(w.Context(), install.Record{ID: id, Version: old.Version + 1, Data: data}, old.Version))
}

func (w *world) data(id install.ID) []byte {
	w.Helper()
	r, err := w.store.Load(w.Context(), id)
	require.NoError(w, err)
	return r.Data
}

func TestWhatIsStoredIsSealed(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		token := w.good(tokens, live)
		data := w.data(live)
		assert.Less(t, len(data), 500)
		for _, text := range []string{token, "rt_", "rk_", "token", "acct_"} {
			assert.NotContains(t, string(data), text)
			assert.NotContains(t, string(data), base64.StdEncoding.EncodeToString([]byte(text)))
			assert.NotContains(t, string(data), hex.EncodeToString([]byte(text)))
		}
		var seen [][]byte
		for range 10 { // also of the same thing it is another one each time
			w.installed(live)
			assert.NotContains(t, seen, w.data(live)[9:21])
			seen = append(seen, w.data(live)[9:21])
		}
	})
}

// Whoever can write to the database can take an install away, and put an older record in
// its place; but not have one account's token used for another.
func TestWhatIsNotTheInstallsOwnIsNotUsed(t *testing.T) {
	inBubble(t, func(w *world) {
		other := install.ID{Account: "acct_2", Mode: install.Live}
		tokens := w.installed(live, test, other)
		good := w.data(live)
		for _, data := range [][]byte{nil, {}, {1}, w.data(other), w.data(test), append(bytes.Clone(good), 0), good[:len(good)-1], good[:37], good[:36], bytes.Repeat([]byte{1}, 200)} {
			w.put(live, data)
			_, err := tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrTokensUnavailable)
			assert.ErrorContains(t, err, "cannot be opened")
		}
		for i := range good {
			data := bytes.Clone(good)
			data[i] ^= 1
			w.put(live, data)
			_, err := tokens.AccessToken(w.Context(), live)
			require.ErrorIs(t, err, install.ErrTokensUnavailable, "byte %d", i)
		}
		assert.Zero(t, w.endpoint.Refreshes())
		w.put(live, good)
		w.good(tokens, live)

		w.put(live, w.data(other))
		require.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Unix(0, 0)), "what cannot be opened can be deleted")
		_, err := w.store.Load(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrNotFound)
		w.put(live, w.data(other))
		w.installed(live)
		w.good(tokens, live)
	})
}

func TestASealingKeyIsRolled(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live, test)
		first := w.good(w.process(), live)
		for _, step := range [][]int{{0, 1}, {1, 0}} {
			assert.Equal(t, first, w.good(w.process(sealedWith(step...)), live))
		}
		_, err := w.process(sealedWith(1)).AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrTokensUnavailable, "removed too early")

		for i, want := range []int{2, 0} {
			n, err := w.process(sealedWith(1, 0)).Reseal(w.Context())
			require.NoError(t, err)
			assert.Equal(t, want, n, "%d", i)
		}
		assert.Equal(t, first, w.good(w.process(sealedWith(1)), live))
		_, err = w.process(sealedWith(0)).AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrTokensUnavailable)
	})
}

func TestResealGoesOverAllRecords(t *testing.T) {
	inBubble(t, func(w *world) {
		var ids []install.ID
		for i := range 250 {
			ids = append(ids, install.ID{Account: fmt.Sprint("acct_", i), Mode: install.Test})
		}
		w.installed(ids...)
		w.put(install.ID{Account: "acct_100", Mode: install.Live}, []byte("of somebody else"))
		w.put(ids[7], w.data(ids[8]))
		n, err := w.process(sealedWith(1, 0)).Reseal(w.Context())
		assert.ErrorIs(t, err, install.ErrTokensUnavailable)
		assert.ErrorContains(t, err, "2 records cannot be opened")
		assert.Equal(t, 249, n)
		w.good(w.process(sealedWith(1)), ids[249])
		w.put(ids[9], append(w.data(ids[9]), 0))
		n, err = w.process(sealedWith(1, 0)).Reseal(w.Context())
		assert.ErrorContains(t, err, "3 records cannot be opened", "one of them with the first key")
		assert.Zero(t, n)

		ended, cancel := context.WithCancel(w.Context())
		cancel()
		_, err = w.process().Reseal(ended)
		assert.ErrorIs(t, err, context.Canceled)
	})
}

// While the tokens are refreshed, installed and forgotten, by processes with the old order
// of the keys as well: nothing is lost, and nothing comes back.
func TestResealWhileTheAppIsUsed(t *testing.T) {
	inBubble(t, func(w *world) {
		var ids []install.ID
		for i := range 30 {
			ids = append(ids, install.ID{Account: fmt.Sprint("acct_", i), Mode: install.Test})
		}
		w.installed(ids...)
		over()
		var busy sync.WaitGroup
		for i, id := range ids {
			tokens := w.process(sealedWith(i%2, 1-i%2))
			busy.Go(func() {
				switch i % 3 {
				case 0:
					w.good(tokens, id)
				case 1:
					w.installed(id)
				case 2:
					assert.NoError(t, tokens.Forget(w.Context(), id))
				}
			})
		}
		busy.Go(func() {
			_, err := w.process(sealedWith(1, 0)).Reseal(w.Context())
			assert.NoError(t, err)
		})
		busy.Wait()
		n, err := w.process(sealedWith(1, 0)).Reseal(w.Context())
		assert.NoError(t, err)
		assert.LessOrEqual(t, n, 20)
		for i, id := range ids {
			if i%3 == 2 {
				_, err := w.store.Load(w.Context(), id)
				assert.ErrorIs(t, err, install.ErrNotFound)
				continue
			}
			w.good(w.process(sealedWith(1)), id)
		}
	})
}
