/** The one of these words that was probably meant: the same but for case, or one or two slips away; undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = word.toLowerCase()
  const near = known
    .map((name) => ({ name, slips: countSlips(name.toLowerCase(), wanted) }))
    .filter(({ slips }) => slips <= 2 && slips < wanted.length / 2)
    .sort((one, other) => one.slips - other.slips)
  return near[0]?.name ?? known.find((name) => wanted.length > 2 && name.toLowerCase().startsWith(wanted))
}

/** Letters to put in, leave out, replace or swap to make one word the other; 3 stands for "too many". */
function countSlips(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 2 || other.length > 100) return 3
  let before: number[] = []
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1
      const swapped = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1] ? (before[j - 2] ?? 3) + 1 : 3
      next.push(Math.min((row[j - 1] ?? 0) + same, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swapped))
    }
    before = row
    row = next
  }
  return row.at(-1) ?? 3
}
