package wasm

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// maxMemory is the memory that a program can have, in pages of 64 KiB: 1 GiB. A program that
// needs more is told that there is none, on every machine.
const maxMemory = 1 << 30 >> 16

// A Program is a compiled WebAssembly module. All nodes and all their incarnations run the
// same Program.
type Program struct {
	cache    wazero.CompilationCache
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

// Compile compiles a WebAssembly module. It keeps the machine code in cacheDir, where the next
// Compile of the same module finds it; if cacheDir is "", it keeps it in memory only.
//
// The module must be a command of WASI preview 1, as `GOOS=wasip1 GOARCH=wasm go build`
// makes it.
func Compile(ctx context.Context, module []byte, cacheDir string) (*Program, error) {
	cache := wazero.NewCompilationCache()
	if cacheDir != "" {
		var err error
		if cache, err = wazero.NewCompilationCacheWithDir(cacheDir); err != nil {
			return nil, fmt.Errorf("open the cache of compiled programs: %w", err)
		}
	}
	config := wazero.NewRuntimeConfig().WithCompilationCache(cache).
		WithMemoryLimitPages(maxMemory)
	p := &Program{cache: cache, runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	if err := p.compile(ctx, module); err != nil {
		return nil, errors.Join(err, p.Close(ctx))
	}
	return p, nil
}

func (p *Program) compile(ctx context.Context, module []byte) error {
	builder := p.runtime.NewHostModuleBuilder(wasi_snapshot_preview1.ModuleName)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(builder)
	exportFunctions(builder)
	host, err := builder.Compile(ctx)
	if err != nil {
		return fmt.Errorf("compile the functions of WASI: %w", err)
	}
	if _, err = p.runtime.InstantiateModule(ctx, host, wazero.NewModuleConfig()); err != nil {
		return fmt.Errorf("provide the functions of WASI: %w", err)
	}
	if module, err = addMeter(module); err != nil {
		return fmt.Errorf("read the program: %w", err)
	}
	if p.compiled, err = p.runtime.CompileModule(ctx, module); err != nil {
		return fmt.Errorf("compile the program: %w", err)
	}
	return checkModule(p.compiled, host)
}

// checkModule says why a module cannot be run.
func checkModule(module, host wazero.CompiledModule) error {
	provided := host.ExportedFunctions()
	for _, imported := range module.ImportedFunctions() {
		from, name, _ := imported.Import()
		if from != wasi_snapshot_preview1.ModuleName || provided[name] == nil {
			return fmt.Errorf("the program imports %s.%s, which is no function of WASI preview 1", from, name)
		}
	}
	if module.ExportedFunctions()["_start"] == nil {
		return errors.New("the program exports no function _start: it is a library, not a command")
	}
	if module.ExportedMemories()["memory"] == nil {
		return errors.New("the program does not export its memory")
	}
	return nil
}

// Close frees the compiled code. No process of the program may be running.
func (p *Program) Close(ctx context.Context) error {
	return errors.Join(p.runtime.Close(ctx), p.cache.Close(ctx))
}
