/** Slips that a word may have and still be taken for another: two, and more in long ones. */
const SLIPS = 2
/** Longer words are not compared: nobody means one of ours by them, and each comparison would take long. */
const LONGEST = 200

/**
 * The one of these words that was probably meant: the same but for case, a slip or two away (in long words one in four
 * letters), or begun and not ended; undefined when none is near.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = word.toLowerCase()
  const most = Math.max(SLIPS, Math.floor(wanted.length / 4))
  const near = known
    .map((name) => ({ name, slips: countSlips(name.toLowerCase(), wanted, most) }))
    .filter(({ slips }) => slips <= most && slips < wanted.length / 2)
    .sort((one, other) => one.slips - other.slips)
  return near[0]?.name ?? known.find((name) => wanted.length > 2 && name.toLowerCase().startsWith(wanted))
}

/**
 * How many letters must be put in, left out, replaced or swapped with their neighbour to make one word the other (optimal
 * string alignment); `most + 1` stands for more than `most`.
 */
export function countSlips(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most || Math.max(one.length, other.length) > LONGEST) return most + 1
  let before: number[] = []
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1
      const crossed = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      const swapped = crossed ? at(before, j - 2) + 1 : most + 1
      next.push(Math.min(at(row, j - 1) + same, at(row, j) + 1, at(next, j - 1) + 1, swapped))
    }
    before = row
    row = next
  }
  return Math.min(at(row, other.length), most + 1)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
