/* Implements the storage of a component, and uses its notebooks: resources of the host and of the component, in C. */
#include "notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
  char name[16];
  uint64_t size;
};

static windlass_status_t storage_open(void *data, windlass_call_t *call, notes_string_t name, notes_storage_file_t *out) {
  struct file *file = (struct file *)calloc(1, sizeof *file);
  (void)data, (void)call;
  if (file == NULL || name.len >= sizeof file->name) {
    free(file);
    return 1; /* a trap in the guest */
  }
  memcpy(file->name, name.ptr, name.len);
  *out = file; /* Whatever the host likes: the guest sees a number. */
  return WINDLASS_OK;
}

static windlass_status_t file_append(void *data, windlass_call_t *call, notes_storage_file_t self, notes_string_t text,
                                     uint64_t *out) {
  struct file *file = (struct file *)self;
  (void)data, (void)call;
  printf("%s at %u: %.*s\n", file->name, (unsigned)file->size, (int)text.len, text.ptr);
  *out = file->size += text.len;
  return WINDLASS_OK;
}

/* The guest has dropped its file. */
static void file_drop(void *data, void *rep) {
  struct file *file = (struct file *)rep;
  (void)data;
  printf("%s closed\n", file->name);
  free(file);
}

static notes_string_t text(const char *s) {
  notes_string_t string = {s, strlen(s)};
  return string;
}

int main(void) {
  notes_imports_t imports = {0};
  notes_t *notes;
  notes_notebooks_notebook_t book;
  notes_string_t last;
  uint32_t count;

  imports.storage.open = storage_open;
  imports.storage.method_file_append = file_append;
  imports.storage.file_drop = file_drop;
  if (notes_new(&imports, NULL, &notes) != WINDLASS_OK) return 1;

  if (notes_notebooks_constructor_notebook(notes, text("diary"), &book) != WINDLASS_OK) return 1;
  if (notes_notebooks_method_notebook_add(notes, book, text("It rains."), &count) != WINDLASS_OK) return 1;
  if (notes_notebooks_method_notebook_add(notes, book, text("Still."), &count) != WINDLASS_OK) return 1;
  if (notes_notebooks_method_notebook_last(notes, book, &last) != WINDLASS_OK) return 1;
  printf("%u notes, the last: %.*s\n", (unsigned)count, (int)last.len, last.ptr);
  notes_string_drop(notes, &last);

  notes_notebooks_notebook_drop(notes, book); /* Its destructor runs, and drops the file. */
  windlass_status_t status = notes_notebooks_method_notebook_add(notes, book, text("Sun!"), &count);
  printf("once more: %s\n", windlass_status_text(status));
  notes_delete(notes);
  return 0;
}
