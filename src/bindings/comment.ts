/** Comments of a header. */

export function comment(text: string): string {
  // A name of the input must not end the comment, nor begin another, nor make the text look like something else.
  const quiet = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, " ");
  return `/* ${quiet.replaceAll("*/", "* /").replaceAll("/*", "/ *")} */`;
}
