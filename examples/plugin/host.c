/* A host of plugins: every shared object of its arguments is a component with the same world. None can do more than transform a text. */
#define _POSIX_C_SOURCE 200809L
#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The functions of one plugin. The header's declarations give their types; dlsym finds them by their names. */
struct plugin_api {
  windlass_status_t (*create)(const plugin_imports_t *, const windlass_options_t *, plugin_t **);
  windlass_status_t (*transform)(plugin_t *, plugin_string_t, plugin_string_t *);
  windlass_status_t (*drop)(plugin_t *, plugin_string_t *);
  void (*destroy)(plugin_t *);
  const char *(*last_trap)(plugin_t *);
};

static int find(void *library, const char *name, void *function) {
  void *symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static int load(void *library, struct plugin_api *api) {
  return find(library, "plugin_new", &api->create) && find(library, "plugin_transform", &api->transform) &&
         find(library, "plugin_string_drop", &api->drop) && find(library, "plugin_delete", &api->destroy) &&
         find(library, "plugin_last_trap", &api->last_trap);
}

static int use(const char *path, const char *text) {
  windlass_options_t options = WINDLASS_OPTIONS;
  struct plugin_api api;
  plugin_string_t input = {text, strlen(text)}, output;
  plugin_t *plugin;
  windlass_status_t status;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL || !load(library, &api)) {
    fprintf(stderr, "%s: %s\n", path, dlerror());
    return 1;
  }
  options.memory_limit = 1024 * 1024;
  if (api.create(NULL, &options, &plugin) != WINDLASS_OK) return 1;
  status = api.transform(plugin, input, &output);
  if (status == WINDLASS_OK) {
    printf("%s: %.*s\n", path, (int)output.len, output.ptr);
    api.drop(plugin, &output);
  } else printf("%s: %s", path, api.last_trap(plugin));
  api.destroy(plugin);
  dlclose(library);
  return status != WINDLASS_OK;
}

int main(int argc, char **argv) {
  int failed = 0;
  for (int i = 1; i < argc; i++) failed |= use(argv[i], "Hello, plugins!");
  return failed;
}
