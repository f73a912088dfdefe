/** wasi:io/error, and the question of wasi:filesystem about it. The representation of an error is its errno. */

import { errorCode, errorText } from "./errors";
import { copyToGuest, errorRep, ownSpan, put8 } from "./native";
import { beginByteResult, beginList, endList } from "./results";
import { appendNumber, appendText, beginText, textLength, textPointer } from "./text";

export function io_error_method_error_to_debug_string(self: i32, ret: i32): void {
  const errno = errorRep(self);
  beginList(ret);
  beginText();
  appendText(errorText(errno));
  appendText(" (errno ");
  appendNumber(errno);
  appendText(")");
  const length = textLength();
  endList(copyToGuest(ownSpan(textPointer(), length), length), length);
}

/** Every error of ours comes from a file: option<error-code>, always some. */
export function filesystem_types_filesystem_error_code(error: i32, ret: i32): void {
  const errno = errorRep(error);
  beginByteResult(ret);
  put8(0, 1);
  put8(1, errorCode(errno));
}

export function drop_io_error_error(_errno: i32): void {}
