/** The compiler's version: in `.windlass.info`, `--version` and cache keys. A test compares it with package.json. */
export const VERSION = "0.1.0";
