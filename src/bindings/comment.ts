/** Comments of a header. */

const WIDTH = 110;
const MAX_LINES = 400;

/** A text of the input must not end the comment, nor begin another, nor make it look like something else. */
function quiet(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, " ");
  return plain.replaceAll("*/", "* /").replaceAll("/*", "/ *");
}

export function comment(text: string): string {
  return `/* ${quiet(text)} */`;
}

/** Words of a line in lines that are not too long. */
function wrapped(line: string): readonly string[] {
  const out: string[] = [];
  let rest = line;
  while (rest.length > WIDTH) {
    const space = rest.lastIndexOf(" ", WIDTH);
    const at = space > 0 && rest.slice(0, space).trim() !== "" ? space : rest.indexOf(" ", WIDTH);
    if (at < 0) break;
    out.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...out, rest];
}

/** Documentation of WIT, line by line; nothing where there is none. */
export function documentation(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const lines = text
    .trim()
    .split(/\r\n|[\n\r]/)
    .flatMap((line) => wrapped(quiet(line).trimEnd()))
    .slice(0, MAX_LINES);
  const [only = ""] = lines;
  if (lines.length === 1) return [`/** ${only} */`];
  return ["/**", ...lines.map((line) => ` * ${line}`.trimEnd()), " */"];
}
