/**
 * What the register allocator sees of a machine function, and what it hands back: no instruction set, no IR.
 *
 * Instructions are numbered linearly in block order; each block is a run of them. Operands are columns; an instruction's are
 * consecutive. Values are virtual registers, defined once (SSA) except for a `tied` definition's own copy. Block parameters are virtual
 * registers, and every branch gives arguments by successor; the allocator turns them into moves on the edges. The client has split
 * critical edges. A block with several successors has no block arguments on its edges unless the successor has one predecessor.
 *
 * Further rules. No block is empty; its last instruction (the terminator) defines nothing that is read later. Moves of an edge run before the
 * predecessor's terminator if that is its only edge and the terminator has no operands and no clobbers, else at the start of the
 * successor, which then must have no other predecessor. Where a definition is tied, its register holds the source's value from the
 * instruction's start on; other plain uses of the same value in the instruction may be given that register too. Of the operands of a
 * move instruction at most the use is in a slot.
 */

/** Register classes. */
export const RegClass = { int: 0, float: 1 } as const;

/**
 * A physical register: 0 to 31 integer, 32 to 63 float or vector. The number within the class is the hardware encoding.
 */
export type PReg = number;

/** How an operand uses its virtual register, and when. */
export const OperandKind = {
  /** Read at the start: its register may be given to a definition of the same instruction. */
  use: 0,
  /** Read until the end: shares no register with a definition. */
  lateUse: 1,
  /** Written at the end. */
  def: 2,
  /** Written while inputs are still read: shares no register with a use. */
  earlyDef: 3,
} as const;

/** Where the operand may be. `constraintData` is the physical register or operand index. */
export const Constraint = {
  /** Any register of the class. */
  reg: 0,
  /** A register or a spill slot. */
  any: 1,
  /** Exactly physical register `data`; it need not be allocatable, but is not the scratch register. */
  fixed: 2,
  /** A definition in the register of use operand number `data` (from 0, within the instruction), for two-address forms. */
  tied: 3,
  /** A spill slot. */
  stack: 4,
} as const;

/** The registers of a target. */
export interface RegisterFile {
  /** Allocatable registers by preference, caller-saved first. */
  readonly allocatableInt: readonly PReg[];
  readonly allocatableFloat: readonly PReg[];
  /** Never allocated: for moves between slots and to break cycles. */
  readonly scratchInt: PReg;
  readonly scratchFloat: PReg;
  /** Registers that the function must save before use, as masks. */
  readonly calleeSavedInt: number;
  readonly calleeSavedFloat: number;
}

/** The function as the allocator reads it. All columns are dense, and may be longer than what is in them. */
export interface AllocatorInput extends RegisterFile {
  readonly blockCount: number;
  /** Block b holds instructions blockStart[b] to blockStart[b + 1] - 1; blocks are in emission order and block 0 is the entry. */
  readonly blockStart: Int32Array;
  /** Successors of b: succ[succStart[b]] … ; predecessors alike. */
  readonly succStart: Int32Array;
  readonly succ: Int32Array;
  readonly predStart: Int32Array;
  readonly pred: Int32Array;
  /** Loop nesting depth per block. */
  readonly loopDepth: Int32Array;
  /** Parameters of b: params[paramStart[b]] … (virtual registers). The entry block has none: arguments are fixed definitions. */
  readonly paramStart: Int32Array;
  readonly params: Int32Array;
  /** Arguments on edge e (index into succ): args[argStart[e]] … */
  readonly argStart: Int32Array;
  readonly args: Int32Array;

  readonly instCount: number;
  /** Operands of i: operandStart[i] to operandStart[i + 1] - 1. */
  readonly operandStart: Int32Array;
  readonly operandVreg: Int32Array;
  readonly operandKind: Uint8Array;
  readonly operandConstraint: Uint8Array;
  readonly operandData: Int32Array;
  /**
   * Per instruction: registers that it destroys (besides its definitions), as bit masks of integer and float registers. A fixed definition may
   * be among them; other definitions are kept out of them.
   */
  readonly clobberInt: Int32Array;
  readonly clobberFloat: Int32Array;
  /** 1 for a plain move (one def, one use, constraint reg or any): a hint to give both the same place. */
  readonly isMove: Uint8Array;

  readonly vregCount: number;
  /** RegClass per virtual register. */
  readonly vregClass: Uint8Array;
  /** Bytes of a spill slot for it: 8 or 16. */
  readonly vregSize: Uint8Array;
  /**
   * Virtual registers that are cheap to make again instead of spilling: the instruction that defines it and has no uses (a constant, an address), or -1.
   * The allocator may answer with a `remat` edit.
   */
  readonly vregRemat: Int32Array;
}

/** A place: a physical register (0 to 63), or 64 + slot number. */
export type Allocation = number;
export const FIRST_SLOT = 64;

/** Edit kinds. */
export const EditKind = {
  /** Move `editFrom` to `editTo`. */
  move: 0,
  /** Run instruction `editFrom` again, with its definition in register `editTo`. */
  remat: 1,
} as const;

export interface AllocatorOutput {
  /** Place of every operand, parallel to the operand columns; it may be longer, as they may be. */
  readonly operandPlace: Int32Array;
  /**
   * Edits in program order. Position 2 * i: before instruction i; 2 * i + 1: after it (before the next one's `before`).
   * Edits at one position run in order, already sequenced (cycles broken with the scratch register). No move is from slot to slot:
   * those are two, through the scratch register. A `remat` may have the scratch register as its destination.
   */
  readonly editPosition: Int32Array;
  readonly editKind: Uint8Array;
  readonly editFrom: Int32Array;
  readonly editTo: Int32Array;
  /** Register class and size (8 or 16 bytes) of what is moved: class | size << 4. */
  readonly editClass: Uint16Array;
  /**
   * 1 for an instruction that need not run: all it does is define a value that can be made again and that nobody reads where it puts it. Its
   * operand has no place (-1).
   */
  readonly skipped: Uint8Array;
  /** Slots are 8 bytes; a 16-byte value has an even slot and the next one. */
  readonly slotCount: number;
  /** Callee-saved registers that the function writes, as masks: given out, fixed, or destroyed by an instruction. */
  readonly usedCalleeSavedInt: number;
  readonly usedCalleeSavedFloat: number;
}
