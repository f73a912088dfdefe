/** What the functions of an instance depend on. */

export interface InstanceTraits {
  readonly interruptible: boolean;
  /** Accesses may fault, so there are handlers. */
  readonly faults: boolean;
  readonly describes: boolean;
}
