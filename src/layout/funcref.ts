/**
 * Function references: 64-bit values without pointers, so that tables can be images in read-only data.
 *
 * Bits 0 to 31: byte offset of the code from the object's text base. Bits 32 to 63: the program-wide number of its signature, which is
 * never 0. Null is 0. A table element is one funcref; `call_indirect` compares the high half with the signature that it expects.
 */
export const FUNCREF_SIZE = 8;
export const FUNCREF_CODE_OFFSET = 0;
export const FUNCREF_SIGNATURE_OFFSET = 4;
