// A host in Go: faults of the guest are statuses, faults of Go's own are panics, on many goroutines at once.
package main

// #cgo LDFLAGS: pool.o
// #include "pool.h"
import "C"

import (
	"fmt"
	"os"
	"sync"
)

func fail(what string, status C.windlass_status_t) {
	fmt.Println(what, status)
	os.Exit(1)
}

func nilPanics() (panicked bool) {
	defer func() { panicked = recover() != nil }()
	var nothing *int
	*nothing = 1
	return false
}

func touch(at C.uint32_t, expected C.windlass_status_t) {
	var pool *C.pool_t
	var r C.uint32_t
	if status := C.pool_new(nil, nil, &pool); status != 0 {
		fail("new", status)
	}
	if status := C.pool_touch(pool, at, &r); status != expected {
		fail("touch", status)
	}
	C.pool_delete(pool)
}

func main() {
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for k := 0; k < 20; k++ {
				touch(64, C.WINDLASS_OK)
				touch(0x80000000, C.WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS)
				if !nilPanics() {
					fail("no panic", 0)
				}
			}
		}()
	}
	all.Wait()
	fmt.Println("ok")
}
