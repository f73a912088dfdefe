/**
 * Errors: errno of Linux → `error-code` of wasi:filesystem, and their text.
 *
 * A `wasi:io/error` resource needs no table: its representation is the errno.
 */

/** `error-code` in the order of the WIT. */
export namespace ErrorCode {
  export const access: u8 = 0;
  export const wouldBlock: u8 = 1;
  export const already: u8 = 2;
  export const badDescriptor: u8 = 3;
  export const busy: u8 = 4;
  export const deadlock: u8 = 5;
  export const quota: u8 = 6;
  export const exist: u8 = 7;
  export const fileTooLarge: u8 = 8;
  export const illegalByteSequence: u8 = 9;
  export const inProgress: u8 = 10;
  export const interrupted: u8 = 11;
  export const invalid: u8 = 12;
  export const io: u8 = 13;
  export const isDirectory: u8 = 14;
  export const loop: u8 = 15;
  export const tooManyLinks: u8 = 16;
  export const messageSize: u8 = 17;
  export const nameTooLong: u8 = 18;
  export const noDevice: u8 = 19;
  export const noEntry: u8 = 20;
  export const noLock: u8 = 21;
  export const insufficientMemory: u8 = 22;
  export const insufficientSpace: u8 = 23;
  export const notDirectory: u8 = 24;
  export const notEmpty: u8 = 25;
  export const notRecoverable: u8 = 26;
  export const unsupported: u8 = 27;
  export const noTty: u8 = 28;
  export const noSuchDevice: u8 = 29;
  export const overflow: u8 = 30;
  export const notPermitted: u8 = 31;
  export const pipe: u8 = 32;
  export const readOnly: u8 = 33;
  export const invalidSeek: u8 = 34;
  export const textFileBusy: u8 = 35;
  export const crossDevice: u8 = 36;
}

/** errno → `error-code`; what has no counterpart is `io`. */
export function errorCode(errno: i32): u8 {
  switch (errno) {
    case 1: return ErrorCode.notPermitted; // EPERM
    case 2: return ErrorCode.noEntry; // ENOENT
    case 4: return ErrorCode.interrupted; // EINTR
    case 5: return ErrorCode.io; // EIO
    case 6: return ErrorCode.noSuchDevice; // ENXIO
    case 9: return ErrorCode.badDescriptor; // EBADF
    case 11: return ErrorCode.wouldBlock; // EAGAIN
    case 12: return ErrorCode.insufficientMemory; // ENOMEM
    case 13: return ErrorCode.access; // EACCES
    case 16: return ErrorCode.busy; // EBUSY
    case 17: return ErrorCode.exist; // EEXIST
    case 18: return ErrorCode.crossDevice; // EXDEV
    case 19: return ErrorCode.noDevice; // ENODEV
    case 20: return ErrorCode.notDirectory; // ENOTDIR
    case 21: return ErrorCode.isDirectory; // EISDIR
    case 22: return ErrorCode.invalid; // EINVAL
    case 23: return ErrorCode.quota; // ENFILE: no code of its own
    case 24: return ErrorCode.quota; // EMFILE: no code of its own
    case 25: return ErrorCode.noTty; // ENOTTY
    case 26: return ErrorCode.textFileBusy; // ETXTBSY
    case 27: return ErrorCode.fileTooLarge; // EFBIG
    case 28: return ErrorCode.insufficientSpace; // ENOSPC
    case 29: return ErrorCode.invalidSeek; // ESPIPE
    case 30: return ErrorCode.readOnly; // EROFS
    case 31: return ErrorCode.tooManyLinks; // EMLINK
    case 32: return ErrorCode.pipe; // EPIPE
    case 35: return ErrorCode.deadlock; // EDEADLK
    case 36: return ErrorCode.nameTooLong; // ENAMETOOLONG
    case 37: return ErrorCode.noLock; // ENOLCK
    case 38: return ErrorCode.unsupported; // ENOSYS
    case 39: return ErrorCode.notEmpty; // ENOTEMPTY
    case 40: return ErrorCode.loop; // ELOOP
    case 75: return ErrorCode.overflow; // EOVERFLOW
    case 84: return ErrorCode.illegalByteSequence; // EILSEQ
    case 90: return ErrorCode.messageSize; // EMSGSIZE
    case 95: return ErrorCode.unsupported; // EOPNOTSUPP
    case 114: return ErrorCode.already; // EALREADY
    case 115: return ErrorCode.inProgress; // EINPROGRESS
    case 122: return ErrorCode.quota; // EDQUOT
    case 131: return ErrorCode.notRecoverable; // ENOTRECOVERABLE
    default: return ErrorCode.io;
  }
}

/** What people call it. */
export function errorText(errno: i32): string {
  switch (errno) {
    case 1: return "operation not permitted";
    case 2: return "no such file or directory";
    case 4: return "interrupted";
    case 5: return "input or output error";
    case 9: return "bad file descriptor";
    case 11: return "resource temporarily unavailable";
    case 12: return "out of memory";
    case 13: return "permission denied";
    case 16: return "resource busy";
    case 17: return "file exists";
    case 18: return "cross-device link";
    case 20: return "not a directory";
    case 21: return "is a directory";
    case 22: return "invalid argument";
    case 23:
    case 24: return "too many open files";
    case 26: return "text file busy";
    case 27: return "file too large";
    case 28: return "no space left on device";
    case 29: return "not seekable";
    case 30: return "read-only";
    case 31: return "too many links";
    case 32: return "broken pipe";
    case 36: return "name too long";
    case 38:
    case 95: return "not supported";
    case 39: return "directory not empty";
    case 40: return "too many symbolic links";
    case 75: return "value too large";
    case 84: return "not valid UTF-8";
    case 122: return "disk quota exceeded";
    default: return "error of the operating system";
  }
}
