/* A kernel as C that wasm2c wrote. */
#include "loop.h"
#include "kernel.h"

static Z_kernel_instance_t instance;

static int32_t run(int32_t n) { return (int32_t)Z_kernelZ_run(&instance, (u32)n); }

int main(void) {
  wasm_rt_init();
  Z_kernel_init_module();
  Z_kernel_instantiate(&instance);
  return serve(run);
}
