import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  isKebab,
  parseName,
  parseVersion,
  serves,
  uniquenessKey,
  type Version,
  versionText,
} from "../../src/component/names.ts";

test("labels are in kebab case", () => {
  for (const good of ["a", "a1", "a-1", "a-1-b-2", "B", "B-1-C", "a11-B11-123-ABC-abc"]) assert(isKebab(good), good);
  for (const bad of ["", "1", "1-a", "a-", "a--b", "aBc", "-a", "a_b", "a b", "é"]) assert(!isKebab(bad), bad);
});

test("names parse into their parts", () => {
  assert.deepEqual(parseName("[method]output-stream.write"), {
    kind: "method",
    resource: "output-stream",
    label: "write",
  });
  assert.deepEqual(parseName("[constructor]a"), { kind: "constructor", resource: "a" });
  const name = parseName("wasi:io/streams@0.2.6");
  assert(name.kind === "interface");
  assert.equal(`${name.namespace} ${name.package} ${name.interface}`, "wasi io streams");
  assert.equal(name.version && versionText(name.version), "0.2.6");
  for (const bad of [
    "[method]a",
    "[method]a.b.c",
    "[other]a",
    "a:b",
    "a:b/c/d",
    "A:b/c",
    "a:b/c@1.0",
    "[static",
    "a:b:c/d",
  ]) {
    assert.equal(parseName(bad).kind, "fault", bad);
  }
});

test("versions that are printed parse to the same", () => {
  const part = fc.integer({ min: 0, max: 1_000_000 });
  const identifiers = fc.array(fc.stringMatching(/^[a-z][0-9a-z-]*$/), { maxLength: 3 }).map((list) => list.join("."));
  fc.assert(
    fc.property(part, part, part, identifiers, identifiers, (major, minor, patch, prerelease, build) => {
      const version: Version = { major, minor, patch, prerelease, build };
      assert.deepEqual(parseVersion(versionText(version)), version);
    }),
  );
});

test("malformed versions say what is wrong", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "empty string"],
    [".", "unexpected character '.'"],
    ["1.", "unexpected end of input"],
    ["2.b", "unexpected character 'b'"],
    ["2.0x0", "unexpected character 'x'"],
    ["1.02.0", "leading zero"],
    ["2.0.0+", "empty identifier segment"],
    ["2.0.0-01", "leading zero"],
    ["1.2.3.4", "unexpected character '.'"],
  ];
  for (const [text, message] of cases) {
    const parsed = parseVersion(text);
    assert("kind" in parsed && parsed.message.includes(message), text);
  }
});

function version(text: string): Version {
  const parsed = parseVersion(text);
  assert(!("kind" in parsed));
  return parsed;
}

test("0.2.11 serves 0.2.y up to 11 and nothing else", () => {
  const offered = version("0.2.11");
  for (const good of ["0.2.0", "0.2.6", "0.2.11"]) assert(serves(offered, version(good)), good);
  for (const bad of ["0.2.12", "0.2.99", "0.3.0", "0.1.0", "1.2.0", "0.2.0-rc-2023"]) {
    assert(!serves(offered, version(bad)), bad);
  }
});

test("other tracks: 1.x by minor, 0.0.x exactly", () => {
  assert(serves(version("1.4.2"), version("1.3.9")));
  assert(serves(version("1.4.2"), version("1.4.2")));
  assert(!serves(version("1.4.2"), version("1.4.3")));
  assert(!serves(version("1.4.2"), version("1.5.0")));
  assert(!serves(version("2.0.0"), version("1.0.0")));
  assert(serves(version("0.0.3"), version("0.0.3")));
  assert(!serves(version("0.0.3"), version("0.0.2")));
});

test("strong uniqueness", () => {
  assert.equal(uniquenessKey("[method]a.b"), uniquenessKey("[static]A.b"));
  assert.equal(uniquenessKey("[method]a.a"), uniquenessKey("A"));
  assert.notEqual(uniquenessKey("[constructor]a"), uniquenessKey("a"));
  assert.equal(uniquenessKey("foo-BAR"), uniquenessKey("FOO-bar"));
});
