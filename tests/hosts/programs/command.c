/* A host of any WASI command with the built-in WASI: runs it in two instances, and says how each ended. With an argument: in one. */
#include "check.h"
#include "command.h"

int main(int argc, char **argv) {
  int i;
  (void)argv;
  for (i = argc; i < 3; i++) {
    command_t *command = NULL;
    command_result_void_void_t result = {false};
    windlass_status_t status;
    EQUAL(command_new(NULL, NULL, &command), WINDLASS_OK);
    status = command_run_run(command, &result);
    printf("%s%s\n", windlass_status_text(status), status == WINDLASS_OK && result.is_err ? ", error" : "");
    fflush(stdout);
    CHECK((command_last_trap(command) == NULL) == (status == WINDLASS_OK));
    if (status != WINDLASS_OK) EQUAL(command_run_run(command, &result), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(command_delete(command), WINDLASS_OK);
  }
  return 0;
}
