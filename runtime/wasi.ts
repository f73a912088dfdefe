/**
 * The built-in WASI 0.2: one core module, compiled by Windlass like any guest's, trusted with the `windlass:native` intrinsics.
 *
 * Every WASI function is an export with the flat core signature of its lowering (Canonical ABI, flatten_functype) and a name made of
 * the interface's and the function's: `wasi:filesystem/types` `[method]descriptor.stat-at` is `filesystem_types_method_descriptor_stat_at`
 * (the namespace dropped, each run of other characters one `_`). `drop_…` are the destructors of resources; they take the representation.
 * `runtime_init` is called when the instance is made, `runtime_drop` when it is deleted.
 */

export * from "./cli";
export * from "./clocks";
export { config_address, config_capacity, runtime_drop, runtime_init } from "./config";
export { drop_filesystem_types_descriptor } from "./descriptors";
export {
  drop_filesystem_types_directory_entry_stream,
  filesystem_types_method_directory_entry_stream_read_directory_entry,
} from "./directory";
export * from "./error";
export * from "./filesystem";
export {
  drop_io_poll_pollable,
  io_poll_method_pollable_block,
  io_poll_method_pollable_ready,
  io_poll_poll,
} from "./poll";
export { filesystem_preopens_get_directories } from "./preopens";
export * from "./random";
export {
  drop_io_streams_input_stream,
  drop_io_streams_output_stream,
  io_streams_method_input_stream_blocking_read,
  io_streams_method_input_stream_blocking_skip,
  io_streams_method_input_stream_read,
  io_streams_method_input_stream_skip,
  io_streams_method_input_stream_subscribe,
  io_streams_method_output_stream_blocking_flush,
  io_streams_method_output_stream_blocking_splice,
  io_streams_method_output_stream_blocking_write_and_flush,
  io_streams_method_output_stream_blocking_write_zeroes_and_flush,
  io_streams_method_output_stream_check_write,
  io_streams_method_output_stream_flush,
  io_streams_method_output_stream_splice,
  io_streams_method_output_stream_subscribe,
  io_streams_method_output_stream_write,
  io_streams_method_output_stream_write_zeroes,
} from "./streams";
