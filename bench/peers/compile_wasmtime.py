# Compiles a module with Wasmtime on one thread, several times: prints milliseconds of processor time.
import sys
import time

import wasmtime

path, rounds = sys.argv[1], int(sys.argv[2])
config = wasmtime.Config()
config.parallel_compilation = False
engine = wasmtime.Engine(config)
code = open(path, "rb").read()
for _ in range(rounds):
    start = time.process_time()
    wasmtime.Module(engine, code)
    print((time.process_time() - start) * 1e3, flush=True)
