/* A host inside Node: `run(how)` makes an instance and calls it, through the few functions of Node-API that it takes. */
#include "pool.h"

#include <stddef.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
extern int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
extern int napi_set_named_property(napi_env, napi_value, const char *, napi_value);
extern int napi_create_int32(napi_env, int32_t, napi_value *);
extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_get_value_uint32(napi_env, napi_value, uint32_t *);

static napi_value run(napi_env env, napi_callback_info info) {
  napi_value argument, result = NULL;
  size_t count = 1;
  uint32_t at = 0, r = 0;
  pool_t *pool = NULL;
  windlass_status_t status;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_uint32(env, argument, &at);
  status = pool_new(NULL, NULL, &pool);
  if (status == 0) status = pool_touch(pool, at, &r);
  pool_delete(pool);
  napi_create_int32(env, status, &result);
  return result;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports);
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function = NULL;
  napi_create_function(env, "run", 3, run, NULL, &function);
  napi_set_named_property(env, exports, "run", function);
  return exports;
}
