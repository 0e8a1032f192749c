package natsnet

// LoseSome makes the connection lose each message that it sends for which lose returns
// true.
func (c *Conn) LoseSome(lose func() bool) { c.lose.Store(&lose) }
