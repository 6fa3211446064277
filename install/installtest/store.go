package installtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-8a2ffb75/stripeapps/install"
)

// RunStore holds implementations to what install.Store says. new returns one or more that
// share their records, like pools of one database in several processes, and have none; it
// is called for each of the tests.
//
//	func TestMemory(t *testing.T) {
//		installtest.RunStore(t, func(t *testing.T) []install.Store { return []install.Store{install.NewMemory()} })
//	}
//
// It cannot test that records are there after the machine has failed.
func RunStore(t *testing.T, new func(t *testing.T) []install.Store) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shared := new(t)
			if len(shared) == 0 {
				t.Fatal("installtest: there is no Store to test")
			}
			test.run(t, stores(shared))
		})
	}
}

var tests = []struct {
	name string
	run  func(reporter, stores)
}{
	{"what is saved is loaded, by all", testLoaded},
	{"what is not there is ErrNotFound", testNotFound},
	{"only what has the old version is replaced", testReplaced},
	{"only what has the version is deleted", testDeleted},
	{"accounts and modes that are alike are different ones", testAlike},
	{"data of any bytes and of any length up to the most is kept", testData},
	{"data that was handed over is nobody else's", testAliasing},
	{"versions are large numbers", testVersions},
	{"of many that save at once, one does", testSaveAtOnce},
	{"of many that create at once, one does", testCreateAtOnce},
	{"of one that saves and one that deletes at once, one does", testDeleteAtOnce},
	{"pages are in order and complete", testList},
	{"a page begins behind what is no longer there", testListBehind},
	{"what is asked with a context that has ended is an error of another kind, and changes nothing", testEnded},
}

// reporter is what the tests need of a testing.T, so that a test of them can have
// another.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

type stores []install.Store

var (
	ctx   = context.Background()
	theID = install.ID{Account: "acct_1", Mode: install.Live}
)

func (s stores) at(i int) install.Store { return s[i%len(s)] }

func record(id install.ID, version int64) install.Record {
	return install.Record{ID: id, Version: version, Data: fmt.Appendf(nil, "%s %s %d", id.Account, id.Mode, version)}
}

func (s stores) mustSave(t reporter, i int, r install.Record, old int64) {
	t.Helper()
	if err := s.at(i).Save(ctx, r, old); err != nil {
		t.Fatalf("saving version %d over %d: %v", r.Version, old, err)
	}
}

func (s stores) mustConflict(t reporter, what string, err error) {
	t.Helper()
	if !errors.Is(err, install.ErrConflict) {
		t.Errorf("%s: the error is %v, want ErrConflict", what, err)
	}
}

// mustHave looks in all of the stores.
func (s stores) mustHave(t reporter, want install.Record) {
	t.Helper()
	for i, store := range s {
		got, err := store.Load(ctx, want.ID)
		if err != nil || !equal(got, want) {
			t.Errorf("store %d: loading %v: got %v, %q and the error %v, want %d, %q", i, want.ID, got.Version, clip(got.Data), err, want.Version, clip(want.Data))
		}
	}
}

func (s stores) mustNotHave(t reporter, id install.ID) {
	t.Helper()
	for i, store := range s {
		if got, err := store.Load(ctx, id); !errors.Is(err, install.ErrNotFound) {
			t.Errorf("store %d: loading %v: got version %d and the error %v, want ErrNotFound", i, id, got.Version, err)
		}
	}
}

func equal(a, b install.Record) bool {
	return a.ID == b.ID && a.Version == b.Version && bytes.Equal(a.Data, b.Data)
}

func clip(data []byte) []byte { return data[:min(len(data), 60)] }

func testLoaded(t reporter, s stores) {
	s.mustSave(t, 0, record(theID, 7), 0)
	s.mustHave(t, record(theID, 7))
	s.mustSave(t, 1, record(theID, 5), 7)
	s.mustHave(t, record(theID, 5))
}

func testNotFound(t reporter, s stores) {
	s.mustNotHave(t, theID)
	if err := s.at(0).Delete(ctx, theID, 1); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
	s.mustConflict(t, "saving over what is not there", s.at(0).Save(ctx, record(theID, 2), 1))
	s.mustNotHave(t, theID)
}

func testReplaced(t reporter, s stores) {
	s.mustSave(t, 0, record(theID, 10), 0)
	s.mustConflict(t, "creating what is there", s.at(1).Save(ctx, record(theID, 11), 0))
	s.mustConflict(t, "saving over a version that was never there", s.at(1).Save(ctx, record(theID, 11), 9))
	s.mustSave(t, 1, record(theID, 12), 10)
	s.mustConflict(t, "saving over a version that was there", s.at(0).Save(ctx, record(theID, 13), 10))
	s.mustConflict(t, "saving the same once more", s.at(0).Save(ctx, record(theID, 12), 10))
	s.mustHave(t, record(theID, 12))
}

func testDeleted(t reporter, s stores) {
	s.mustSave(t, 0, record(theID, 10), 0)
	other := install.ID{Account: theID.Account, Mode: install.Test}
	s.mustSave(t, 0, record(other, 10), 0)
	s.mustConflict(t, "deleting another version", s.at(1).Delete(ctx, theID, 9))
	s.mustHave(t, record(theID, 10))
	if err := s.at(1).Delete(ctx, theID, 10); err != nil {
		t.Errorf("deleting: %v", err)
	}
	s.mustNotHave(t, theID)
	s.mustHave(t, record(other, 10))
	s.mustConflict(t, "saving over what was deleted", s.at(0).Save(ctx, record(theID, 11), 10))
	s.mustSave(t, 0, record(theID, 12), 0)
	s.mustHave(t, record(theID, 12))
}

func testAlike(t reporter, s stores) {
	var want []install.Record
	for i, account := range []string{"acct_a", "acct_A", "ACCT_A", "acct_a_", "acct_aa", "acct_", "acct__a", strings.Repeat("a", 255), strings.Repeat("a", 254) + "b"} {
		for j, mode := range []install.Mode{install.Live, install.Test, install.Sandbox} {
			r := record(install.ID{Account: account, Mode: mode}, int64(10*i+j+1))
			want = append(want, r)
			s.mustSave(t, i, r, 0)
		}
	}
	for _, r := range want {
		s.mustHave(t, r)
	}
}

func testData(t reporter, s stores) {
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	old := int64(0)
	for i, data := range [][]byte{every, {0}, {0xff, 0xfe}, []byte("'; drop table\\"), bytes.Repeat([]byte{0}, 5000), bytes.Repeat(every, install.MaxDataBytes/256)} {
		r := install.Record{ID: theID, Version: int64(i + 1), Data: data}
		s.mustSave(t, i, r, old)
		s.mustHave(t, r)
		old = r.Version
	}
}

func testAliasing(t reporter, s stores) {
	r := record(theID, 1)
	want := install.Record{ID: theID, Version: 1, Data: bytes.Clone(r.Data)}
	s.mustSave(t, 0, r, 0)
	clear(r.Data)
	s.mustHave(t, want)
	loaded, err := s.at(0).Load(ctx, theID)
	if err != nil {
		t.Fatalf("%v", err)
	}
	clear(loaded.Data)
	s.mustHave(t, want)
	for _, r := range s.mustList(t, 0, install.ID{}, 10) {
		clear(r.Data)
	}
	s.mustHave(t, want)
}

func testVersions(t reporter, s stores) {
	old := int64(0)
	for _, version := range []int64{1<<63 - 1, 1, 1<<53 + 1, 1 << 53, 1<<62 + 12345} { // doubles would take two of them for one
		s.mustSave(t, 0, record(theID, version), old)
		s.mustHave(t, record(theID, version))
		old = version
	}
	s.mustConflict(t, "a version that is one less", s.at(0).Save(ctx, record(theID, 5), old-1))
}

// atOnce calls f with 0 to n-1 at the same time, and counts those that succeed. The others
// must have ErrConflict.
func atOnce(t reporter, n int, f func(i int) error) int64 {
	t.Helper()
	var succeeded atomic.Int64
	var callers sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		callers.Go(func() {
			<-start
			switch err := f(i); {
			case err == nil:
				succeeded.Add(1)
			case !errors.Is(err, install.ErrConflict):
				t.Errorf("the error is %v, want ErrConflict", err)
			}
		})
	}
	close(start)
	callers.Wait()
	return succeeded.Load()
}

func testSaveAtOnce(t reporter, s stores) {
	s.mustSave(t, 0, record(theID, 1), 0)
	for round := range int64(10) {
		old, err := s.at(0).Load(ctx, theID)
		if err != nil {
			t.Fatalf("%v", err)
		}
		saved := atOnce(t, 20, func(i int) error { return s.at(i).Save(ctx, record(theID, 100*(round+1)+int64(i)), old.Version) })
		if saved != 1 {
			t.Fatalf("%d of 20 have saved over the same version", saved)
		}
	}
}

func testCreateAtOnce(t reporter, s stores) {
	for round := range 10 {
		id := install.ID{Account: fmt.Sprint("acct_", round), Mode: install.Test}
		created := atOnce(t, 20, func(i int) error { return s.at(i).Save(ctx, record(id, int64(i+1)), 0) })
		if created != 1 {
			t.Fatalf("%d of 20 have created the same record", created)
		}
	}
}

func testDeleteAtOnce(t reporter, s stores) {
	for round := range 10 {
		id := install.ID{Account: fmt.Sprint("acct_", round), Mode: install.Test}
		s.mustSave(t, 0, record(id, 1), 0)
		var saved atomic.Bool
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				return s.at(0).Delete(ctx, id, 1)
			}
			err := s.at(1).Save(ctx, record(id, 2), 1)
			saved.Store(err == nil)
			return err
		})
		if saved.Load() {
			s.mustHave(t, record(id, 2))
		} else {
			s.mustNotHave(t, id)
		}
	}
}

func (s stores) mustList(t reporter, i int, after install.ID, limit int) []install.Record {
	t.Helper()
	page, err := s.at(i).List(ctx, after, limit)
	if err != nil {
		t.Fatalf("listing behind %v: %v", after, err)
	}
	if len(page) > limit {
		t.Fatalf("listing behind %v: %d records, want %d at the most", after, len(page), limit)
	}
	return page
}

// inOrder are IDs in the order of their bytes, which is not that of a language.
var inOrder = []install.ID{
	{Account: "ACCT_z", Mode: install.Live},
	{Account: "acct_1", Mode: install.Live},
	{Account: "acct_1", Mode: install.Sandbox},
	{Account: "acct_1", Mode: install.Test},
	{Account: "acct_10", Mode: install.Live},
	{Account: "acct_2", Mode: install.Test},
	{Account: "acct_A", Mode: install.Test},
	{Account: "acct_B", Mode: install.Live},
	{Account: "acct__", Mode: install.Live},
	{Account: "acct_a", Mode: install.Sandbox},
}

func testList(t reporter, s stores) {
	if page := s.mustList(t, 0, install.ID{}, 1); len(page) != 0 {
		t.Errorf("a new store has %d records", len(page))
	}
	for i := range inOrder { // saved in another order
		id := inOrder[(i*7)%len(inOrder)]
		s.mustSave(t, i, record(id, int64(i+1)), 0)
	}
	for _, limit := range []int{1, 3, len(inOrder), 100} {
		var got []install.ID
		for after := (install.ID{}); ; {
			page := s.mustList(t, len(got), after, limit)
			for _, r := range page {
				got = append(got, r.ID)
				s.mustHave(t, r)
			}
			if len(page) == 0 || len(got) > len(inOrder) {
				break
			}
			after = page[len(page)-1].ID
		}
		if fmt.Sprint(got) != fmt.Sprint(inOrder) {
			t.Errorf("pages of %d: got %v, want %v", limit, got, inOrder)
		}
	}
}

func testListBehind(t reporter, s stores) {
	for i, id := range inOrder {
		s.mustSave(t, 0, record(id, int64(i+1)), 0)
	}
	if err := s.at(0).Delete(ctx, inOrder[3], 4); err != nil {
		t.Errorf("%v", err)
	}
	page := s.mustList(t, 1, inOrder[3], 2)
	if len(page) != 2 || page[0].ID != inOrder[4] || page[1].ID != inOrder[5] {
		t.Errorf("got %v, want %v", page, inOrder[4:6])
	}
}

func testEnded(t reporter, s stores) {
	s.mustSave(t, 0, record(theID, 1), 0)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	other := install.ID{Account: "acct_2", Mode: install.Live}
	for what, f := range map[string]func() error{
		"Load":         func() error { _, err := s.at(0).Load(ended, theID); return err },
		"Save":         func() error { return s.at(0).Save(ended, record(theID, 2), 1) },
		"a first Save": func() error { return s.at(0).Save(ended, record(other, 1), 0) },
		"Delete":       func() error { return s.at(0).Delete(ended, theID, 1) },
		"List":         func() error { _, err := s.at(0).List(ended, install.ID{}, 1); return err },
	} {
		switch err := f(); {
		case err == nil:
			t.Errorf("%s has no error", what)
		case errors.Is(err, install.ErrNotFound), errors.Is(err, install.ErrConflict):
			t.Errorf("%s: the error is %v, which says that it could tell", what, err)
		}
	}
	s.mustHave(t, record(theID, 1))
	s.mustNotHave(t, other)
}
