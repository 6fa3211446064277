package events

// Len returns how many events a Memory remembers, and how many its heaps have.
func (m *Memory) Len() (remembered, inHeaps int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.events), len(m.handled) + len(m.running)
}
