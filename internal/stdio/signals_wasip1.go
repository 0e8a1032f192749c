package stdio

import "os"

// NotifySignals does nothing: WASI has no signals. The goroutine that signal.Notify would start
// never blocks there (it calls sched_yield in a loop), and as long as a goroutine can run, Go's
// scheduler does not look if there is input.
func NotifySignals(c chan<- os.Signal) {}
