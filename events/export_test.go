package events

// Len returns how many events a Memory remembers, and how many of them its heap has.
func (m *Memory) Len() (remembered, handled int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.events), len(m.handled)
}
