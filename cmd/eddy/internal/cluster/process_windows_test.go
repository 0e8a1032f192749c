package cluster

import "os"

var endSignals = []os.Signal{os.Interrupt}
