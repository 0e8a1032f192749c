package natsnet

// LoseSome makes the connection lose every message that it sends of which lose says
// so.
func (c *Conn) LoseSome(lose func() bool) { c.lose.Store(&lose) }
