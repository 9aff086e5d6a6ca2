/** Cuts a line of a shell into words: blanks separate, quotes keep them, `#` begins a comment, `<` a redirection. */
export function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [piece, quoted] of line.matchAll(/"([^"]*)"|\S+/g)) {
    if (piece === '#' || piece === '<' || piece === '>') break
    words.push(quoted ?? piece)
  }
  return words
}
