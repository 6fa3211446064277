package main

import (
	"context"
	"fmt"
	"time"
)

const (
	claimBytes = 128       // of a claim in memory, at most, as replay.MemoryConfig says
	heapSlack  = 512 << 10 // for what grows once
	goSlack    = 2
)

// settled returns the figures of the backend once it has no connections of clients.
// One that stays is told by the figures, too.
func (b *bench) settled(ctx context.Context) (figures, error) {
	b.client.CloseIdleConnections()
	for range 100 {
		f, err := b.backend.figures(ctx)
		if err != nil || f.Connections == 0 {
			return f, err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return b.backend.figures(ctx)
}

func memoryRow(before, after figures) row {
	requests := after.count("", "") - before.count("", "")
	claims := int64(after.count(guardMemory, "") - before.count(guardMemory, ""))
	grown := after.Heap - before.Heap
	t := tally{}
	if requests > 0 {
		t.add("")
	}
	if grown > heapSlack+claims*claimBytes {
		t.add(fmt.Sprintf("the heap grows by %d bytes a request", grown/int64(max(1, requests))))
	}
	if after.Goroutines > before.Goroutines+goSlack {
		t.add("goroutines stay")
	}
	if after.Connections != 0 {
		t.add(fmt.Sprintf("%d connections stay", after.Connections))
	}
	figures := fmt.Sprintf("heap %s before, %s after %d requests, of which %d are remembered; goroutines %d and %d",
		inMiB(before.Heap), inMiB(after.Heap), requests, claims, before.Goroutines, after.Goroutines)
	return row{"memory of the backend", figures + t.complaint(), t.verdict()}
}
