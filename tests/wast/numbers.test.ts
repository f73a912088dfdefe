import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { floatBits, integerBits } from "./numbers.ts";

function bitsOf(value: number, width: 32 | 64): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (width === 64) view.setFloat64(0, value);
  else view.setFloat32(0, value);
  return width === 64 ? view.getBigUint64(0) : BigInt(view.getUint32(0));
}

test("decimal literals of doubles are what JavaScript makes of them", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.equal(floatBits(Object.is(value, -0) ? "-0" : String(value), 64), bitsOf(value, 64));
    }),
  );
});

test("hexadecimal literals are exact", () => {
  fc.assert(
    fc.property(fc.boolean(), fc.nat(254), fc.nat(0x7fffff), (negative, exponent, fraction) => {
      const digits = (fraction * 2).toString(16).padStart(6, "0");
      const literal = `${negative ? "-" : ""}0x${exponent === 0 ? 0 : 1}.${digits}p${Math.max(1, exponent) - 127}`;
      const sign = negative ? 1n << 31n : 0n;
      assert.equal(floatBits(literal, 32), sign | BigInt(exponent * 2 ** 23 + fraction));
    }),
  );
});

test("rounding is once, to the nearest, then to even; ends of the range", () => {
  // Between two floats, just above the middle: by way of a double it would be the middle.
  assert.equal(floatBits("0x1.00000100000000001p-50", 32), 0x26800001n);
  assert.equal(floatBits("0x1.000001p-50", 32), 0x26800000n);
  assert.equal(floatBits("0x1.000003p-50", 32), 0x26800002n);
  assert.equal(floatBits("0x1p-149", 32), 1n);
  assert.equal(floatBits("0x1p-150", 32), 0n);
  assert.equal(floatBits("0x1.8p-150", 32), 1n);
  assert.equal(floatBits("0x1.fffffep127", 32), 0x7f7fffffn);
  assert.equal(floatBits("0x1.ffffffp127", 32), 0x7f800000n);
  assert.equal(floatBits("-1e-400", 64), 1n << 63n);
  assert.equal(floatBits("1e400", 64), 0x7ff0000000000000n);
});

test("special literals", () => {
  assert.equal(floatBits("-inf", 32), 0xff800000n);
  assert.equal(floatBits("nan", 64), 0x7ff8000000000000n);
  assert.equal(floatBits("-nan:0x20_0000", 32), 0xffa00000n);
  assert.equal(integerBits("-1", 32), 0xffffffffn);
  assert.equal(integerBits("-0x8000_0000_0000_0000", 64), 0x8000000000000000n);
  assert.equal(integerBits("+1_000", 32), 1000n);
});
