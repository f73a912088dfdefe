/** Number literals of the text format as bits: exact, rounded once, to the nearest and then to the even one. */

/** Bits of an integer literal, of either signedness. */
export function integerBits(text: string, width: number): bigint {
  const clean = text.replaceAll("_", "");
  const value = clean.startsWith("-") ? -BigInt(clean.slice(1)) : BigInt(clean.replace("+", ""));
  return BigInt.asUintN(width, value);
}

interface FloatFormat {
  readonly width: number;
  /** Bits of the significand, the implicit one included. */
  readonly precision: number;
  /** Exponent of the smallest subnormal number. */
  readonly lowest: number;
}

const FORMATS: Readonly<Record<32 | 64, FloatFormat>> = {
  32: { width: 32, precision: 24, lowest: -149 },
  64: { width: 64, precision: 53, lowest: -1074 },
};

function exponentMask({ width, precision }: FloatFormat): bigint {
  return ((1n << BigInt(width - precision)) - 1n) << BigInt(precision - 1);
}

/** Bits of the canonical NaN without its sign. */
export function canonicalNaN(width: 32 | 64): bigint {
  const format = FORMATS[width];
  return exponentMask(format) | (1n << BigInt(format.precision - 2));
}

/** Whether bits, sign removed, are a NaN whose highest fraction bit is set. */
export function isArithmeticNaN(bits: bigint, width: 32 | 64): boolean {
  const canonical = canonicalNaN(width);
  return (bits & canonical) === canonical;
}

function shift(value: bigint, by: number): bigint {
  return by >= 0 ? value << BigInt(by) : value >> BigInt(-by);
}

/** The number `numerator / denominator`, both positive or zero, as bits without a sign. */
function roundRatio(numerator: bigint, denominator: bigint, format: FloatFormat): bigint {
  if (numerator === 0n) return 0n;
  const { precision, lowest } = format;
  // One more bit than the format has, but never below the smallest subnormal: then one rounding is right.
  let exponent = numerator.toString(2).length - denominator.toString(2).length - precision;
  if (exponent < lowest) exponent = lowest;
  for (;;) {
    const scaledNumerator = exponent < 0 ? shift(numerator, -exponent) : numerator;
    const scaledDenominator = exponent > 0 ? shift(denominator, exponent) : denominator;
    let significand = scaledNumerator / scaledDenominator;
    if (significand >> BigInt(precision) !== 0n) {
      exponent++;
      continue;
    }
    const twice = 2n * (scaledNumerator % scaledDenominator);
    if (twice > scaledDenominator || (twice === scaledDenominator && (significand & 1n) === 1n)) significand++;
    // A carry out of the fraction goes into the exponent as it should; the largest becomes infinity.
    const hidden = 1n << BigInt(precision - 1);
    const biased = significand < hidden ? 0n : BigInt(exponent - lowest + 1);
    const bits = (biased << BigInt(precision - 1)) + (significand < hidden ? significand : significand - hidden);
    const infinity = exponentMask(format);
    return bits > infinity ? infinity : bits;
  }
}

function digits(text: string, base: 10 | 16): { readonly value: bigint; readonly fraction: number } {
  const [whole = "", fraction = ""] = text.split(".");
  return { value: BigInt(`${base === 16 ? "0x" : ""}${whole}${fraction}` || 0), fraction: fraction.length };
}

/** Bits of a float literal, `inf`, `nan` and `nan:0x…` included. */
export function floatBits(text: string, width: 32 | 64): bigint {
  const format = FORMATS[width];
  const clean = text.replaceAll("_", "").toLowerCase();
  const body = clean.replace(/^[+-]/, "");
  const sign = clean.startsWith("-") ? 1n << BigInt(width - 1) : 0n;
  if (body === "inf") return sign | exponentMask(format);
  if (body === "nan") return sign | canonicalNaN(width);
  if (body.startsWith("nan:0x")) return sign | exponentMask(format) | BigInt(body.slice(4));
  const hexadecimal = body.startsWith("0x");
  const [significand = "", exponent = "0"] = hexadecimal ? body.slice(2).split("p") : body.split("e");
  const { value, fraction } = digits(significand, hexadecimal ? 16 : 10);
  const base = hexadecimal ? 2n : 10n;
  const power = Number(exponent) - (hexadecimal ? 4 : 1) * fraction;
  const scale = base ** BigInt(Math.abs(power));
  return sign | (power < 0 ? roundRatio(value, scale, format) : roundRatio(value * scale, 1n, format));
}
