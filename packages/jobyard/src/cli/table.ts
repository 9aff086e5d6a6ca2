import type { styleText } from 'node:util'
import { paint, printable } from './failure.ts'
import { type Sink, write } from './terminal.ts'
import { fitTable, GAP } from './table-fit.ts'
import { fit, widthOf } from './text-width.ts'
import { sayShortTime, sayTime } from './wording.ts'

/** A style of `util.styleText`. */
export type Style = Parameters<typeof styleText>[0]

/** A column of a table. */
export interface Column<T> {
  readonly title: string
  value(row: T): string
  /** Numbers stand to the right. */
  readonly right?: boolean
  /** A colour for the cell, such as red for what failed. */
  style?(row: T): Style | undefined
  /** Told in place of the value where that does not fit; such a column is cut last of all. */
  short?(row: T): string
  /** On a narrow terminal this column gives way before others, and is left out in the end: with `first` before all others. */
  readonly yields?: true | 'first'
}

/** A name, its value, and perhaps a colour for the value. */
export type Fact = readonly [string, string, Style?]

/** Of a terminal that does not say how wide it is. */
const USUAL_WIDTH = 80

/** A column of moments, told in local time. */
export function timeColumn<T>(title: string, instant: (row: T) => string | null | undefined): Column<T> {
  return { title, value: (row) => sayTime(instant(row)), short: (row) => sayShortTime(instant(row)) }
}

/** Prints rows under titles. On a terminal what does not fit is cut; elsewhere nothing is, so that programs get it whole. */
export async function printTable<T>(sink: Sink, rows: readonly T[], all: readonly Column<T>[]): Promise<void> {
  // A terminal may say that it has no columns at all, and means that it does not know.
  const available = sink.isTTY === true ? sink.columns || USUAL_WIDTH : Number.POSITIVE_INFINITY
  const { columns, cells, widths } = fitTable(rows, all, oneLine, available)
  const heading = columns.map((column) => column.title)
  let lines = paint(sink, 'bold', layOut(heading, columns, widths).trimEnd())
  for (const [index, row] of rows.entries()) {
    const styles = columns.map((column) => column.style?.(row))
    lines += `\n${layOut(cells[index] ?? [], columns, widths, (words, at) => {
      const style = styles[at]
      return style === undefined ? words : paint(sink, style, words)
    }).trimEnd()}`
  }
  await write(sink, `${lines}\n`)
}

/** Prints names with their values, one a line. */
export async function printFacts(sink: Sink, facts: readonly Fact[]): Promise<void> {
  const width = Math.max(0, ...facts.map(([name]) => widthOf(name)))
  const lines = facts.map(([name, value, style]) => {
    const words = oneLine(value)
    return `${paint(sink, 'dim', name)}${' '.repeat(width - widthOf(name) + GAP)}${style === undefined ? words : paint(sink, style, words)}`
  })
  await write(sink, `${lines.join('\n')}\n`)
}

function layOut<T>(
  words: readonly string[],
  columns: readonly Column<T>[],
  widths: readonly number[],
  color: (words: string, at: number) => string = (plain) => plain,
): string {
  return columns
    .map((column, index) => {
      const width = widths[index] ?? 0
      const shown = fit(words[index] ?? '', width)
      const blanks = ' '.repeat(Math.max(0, width - widthOf(shown)))
      return column.right === true ? blanks + color(shown, index) : color(shown, index) + blanks
    })
    .join(' '.repeat(GAP))
}

/** A value as one line, without anything that a terminal would take for a command. */
function oneLine(words: string): string {
  return printable(words.replaceAll(/\s*\n\s*/g, ' '))
}
