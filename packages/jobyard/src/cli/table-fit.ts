import type { Column } from './table.ts'
import { widthOf } from './text-width.ts'

/** Blanks between two columns. */
export const GAP = 2

/** Columns narrower than this are not made narrower still. */
const NARROWEST = 8

/** The columns of a table that are shown, with their cells and how wide they are. */
export interface Fitted<T> {
  readonly columns: readonly Column<T>[]
  /** By row and column. */
  readonly cells: readonly (readonly string[])[]
  readonly widths: readonly number[]
}

/**
 * Finds a form of a table that is at most so many columns of a terminal wide. Columns that give way are made narrower first;
 * then times are said without their offset, and all but times are made narrower; then columns that give way are left out.
 * What is too wide even then is cut.
 */
export function fitTable<T>(
  rows: readonly T[],
  all: readonly Column<T>[],
  oneLine: (words: string) => string,
  available: number,
): Fitted<T> {
  const layOut = (columns: readonly Column<T>[], short: boolean): Fitted<T> => {
    const cells = rows.map((row) => columns.map((column) => oneLine(sayCell(column, row, short))))
    const widths = columns.map((column, index) =>
      Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[index] ?? ''))),
    )
    return { columns, cells, widths }
  }
  for (let columns = all; ; ) {
    const whole = narrow(layOut(columns, false), available, [yields])
    if (isWithin(whole, available)) return whole
    const short = narrow(layOut(columns, true), available, [yields, isNoTime])
    if (isWithin(short, available)) return short
    const left = withoutOne(columns)
    if (left === undefined) return narrow(short, available, [() => true])
    columns = left
  }
}

function sayCell<T>({ value, short }: Column<T>, row: T, narrow: boolean): string {
  return narrow && short !== undefined ? short(row) : value(row)
}

function yields<T>(column: Column<T>): boolean {
  return column.yields !== undefined
}

function isNoTime<T>(column: Column<T>): boolean {
  return column.short === undefined
}

/** The columns but for that which is missed least; undefined when there is none that gives way. */
function withoutOne<T>(columns: readonly Column<T>[]): readonly Column<T>[] | undefined {
  const least = columns.find((column) => column.yields === 'first') ?? columns.findLast(yields)
  return least === undefined ? undefined : columns.filter((column) => column !== least)
}

function isWithin({ widths }: Fitted<unknown>, available: number): boolean {
  return totalOf(widths) <= available
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1))
}

/** Takes from the widest of those columns that may be made narrower, one sort after the other. */
function narrow<T>(
  fitted: Fitted<T>,
  available: number,
  sorts: readonly ((column: Column<T>) => boolean)[],
): Fitted<T> {
  const widths = [...fitted.widths]
  for (const may of sorts) {
    while (totalOf(widths) > available) {
      const candidates = fitted.columns.map((column, index) => {
        const width = widths[index] ?? 0
        return may(column) && width > NARROWEST ? width : 0
      })
      const widest = Math.max(...candidates)
      if (widest === 0) break
      widths[candidates.indexOf(widest)] = widest - 1
    }
  }
  return { ...fitted, widths }
}
