# A kernel in Wasmtime (see `bench/peers.ts` for the protocol).
import sys
import time

import wasmtime

path, size = sys.argv[1], int(sys.argv[2])
store = wasmtime.Store(wasmtime.Engine())
module = wasmtime.Module.from_file(store.engine, path)
run = wasmtime.Instance(store, module, []).exports(store)["run"]
print("ready", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    result = run(store, size)
    print((time.perf_counter() - start) * 1e3, result, flush=True)
