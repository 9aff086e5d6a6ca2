import type { styleText } from 'node:util'
import { paint, printable } from './failure.ts'
import { type Sink, write } from './terminal.ts'
import { fit, widthOf } from './text-width.ts'

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
  /** On a narrow terminal this column gives way first. */
  readonly yields?: boolean
}

/** A name, its value, and perhaps a colour for the value. */
export type Fact = readonly [string, string, Style?]

/** Columns narrower than this are not made narrower still. */
const NARROWEST = 8
const GAP = 2

/** Prints rows under titles. On a terminal what does not fit is cut; elsewhere nothing is, so that programs get it whole. */
export async function printTable<T>(sink: Sink, rows: readonly T[], columns: readonly Column<T>[]): Promise<void> {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.value(row))))
  const natural = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[index] ?? ''))),
  )
  const widths = sink.isTTY === true ? shrink(natural, columns, sink.columns ?? 80) : natural
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

/** Takes columns away until the line fits: first from those that give way, then from the widest. */
function shrink<T>(natural: readonly number[], columns: readonly Column<T>[], available: number): number[] {
  const widths = [...natural]
  const total = (): number => widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1))
  const yielding = columns.map((column) => column.yields === true)
  for (const may of [yielding, columns.map(() => true)]) {
    while (total() > available) {
      const candidates = widths.map((width, index) => (may[index] === true && width > NARROWEST ? width : 0))
      const widest = Math.max(...candidates)
      if (widest === 0) break
      widths[candidates.indexOf(widest)] = widest - 1
    }
  }
  return widths
}

/** A value as one line, without anything that a terminal would take for a command. */
function oneLine(words: string): string {
  return printable(words.replaceAll(/\s*\n\s*/g, ' '))
}
