package workload

// A SessionMaker is a workload whose clients have sessions: what a client requests
// next depends on the replies that it got. Clients then take their requests from
// their sessions, not from Next. The final phase has no sessions.
type SessionMaker interface {
	// NewSession returns the session of a new client of a node.
	NewSession(node string) Session
}

// A Session is what one client knows.
type Session interface {
	// Next returns the client's next request. If it returns false, the client
	// crashes: it sends nothing more, and a new client takes its place.
	Next() (req Request, ok bool)
}
