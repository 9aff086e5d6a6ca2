const segments = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Plain text, by far the most common: every character takes one column. */
const NARROW = /^[\u0020-\u007e]*$/

/** What takes two columns of a terminal (Unicode Standard Annex 11, East Asian Width, wide and fullwidth). */
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Emoji}\u{fe0f}|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}])/u

/** What takes no column of its own. */
const NONE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

/** How many columns of a terminal a text takes. */
export function widthOf(words: string): number {
  if (NARROW.test(words)) return words.length
  let width = 0
  for (const { segment } of segments.segment(words)) width += widthOfSegment(segment)
  return width
}

/** The text, cut to so many columns; a cut one ends in `…`. */
export function fit(words: string, columns: number): string {
  if (widthOf(words) <= columns) return words
  let taken = ''
  let width = 1
  for (const { segment } of segments.segment(words)) {
    width += widthOfSegment(segment)
    if (width > columns) break
    taken += segment
  }
  return columns < 1 ? '' : `${taken}…`
}

function widthOfSegment(segment: string): number {
  if (NONE.test(segment)) return 0
  return WIDE.test(segment) ? 2 : 1
}
