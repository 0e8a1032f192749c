// Package wasm runs node programs that are WebAssembly modules (WASI preview 1) in virtual time.
//
// A [Program] is compiled once. Each [Process] of it is driven by its caller: Write adds a line
// to its input, Run lets it go on until it blocks, Lines returns what it has written, Wake says
// when it wants to run again. Nothing of a program runs outside Run, and while a program
// computes, time stands still. So a program does the same, byte for byte, whenever it gets the
// same input at the same virtual times with the same seed: on any machine, with any number of
// processors.
//
// # What a program sees
//
//   - Clocks: the virtual time that Run was told, from [Epoch] on.
//   - Random bytes: from the seed of its [Config].
//   - Standard input: a pipe. A read of an empty pipe blocks, or returns at once if the program
//     has set O_NONBLOCK, as Go programs do; they then block in poll_oneoff.
//   - Files: those of its [Disk], which hides what differs between hosts: times, inode numbers,
//     the order of directories, the size of directories. A sync does nothing, since a killed
//     process loses nothing that it has written.
//   - No network, no signals, no other processes.
//
// # Limits
//
// A program that does not block is stopped: after so many calls of functions and iterations of
// loops (Config.MaxWork), after 64 MiB of output, or when it does nothing but call sched_yield.
// It can have 1 GiB of memory and 1,024 descriptors. All of these are counted, so they too are
// the same everywhere.
//
// A Go program that calls signal.Notify cannot be run. In Go's port to WASI a goroutine then
// calls sched_yield without end, and as long as a goroutine can run, Go does not look for input.
// Package eddy does not call it there.
//
// # What remains of the host
//
// These can differ between machines: the depth at which endless recursion ends (it depends on
// the processor), the bits of a NaN, a full disk, file names that the host does not allow or
// does not tell apart (upper and lower case), the errors of unusual operations on files, and,
// outside Unix, the number of links of a file and the inode number of a file that was renamed.
// Files that other programs write into the directory of a Disk while a node runs are seen.
package wasm
