import type { Measure, Row, Sample, Target } from './measure.ts'
import { type Summary, summarize } from './statistics.ts'

/** A row with what was measured. */
export interface Result {
  readonly measure: string
  readonly label: string
  readonly unit: string
  readonly value: Summary
  readonly bare: Summary | null
  /** Value over bare limit, run by run. */
  readonly ratio: Summary | null
  readonly target: Target | null
  /** Null where nothing is asked. */
  readonly met: boolean | null
}

/** Sums the samples of a measure up, row by row. */
export function judge(measure: Measure, samples: readonly Sample[]): Result[] {
  return measure.rows.map((row) => judgeRow(measure.letter, row, samples))
}

function judgeRow(letter: string, row: Row, samples: readonly Sample[]): Result {
  const { label, unit, bare, target } = row
  const values = samples.map(({ figures }) => pick(figures, row.figure))
  const limits = bare === undefined ? null : samples.map(({ figures }) => pick(figures, bare))
  const value = summarize(values)
  return {
    measure: letter,
    label,
    unit,
    value,
    bare: limits === null ? null : summarize(limits),
    ratio: limits === null ? null : summarize(values.map((each, index) => each / (limits[index] ?? Number.NaN))),
    target: target ?? null,
    met: target === undefined ? null : meets(value.median, target),
  }
}

function pick(figures: Sample['figures'], name: string): number {
  const figure = figures[name]
  if (figure === undefined) throw new Error(`The measure gave no figure ${name}.`)
  return figure
}

function meets(value: number, target: Target): boolean {
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast
}

const COLUMNS = [44, 10, 19, 10, 8, 12, 7] as const

/** The head of the table. */
export const TABLE_HEAD = line(['', 'median', 'least – most', 'bare', 'ratio', 'target', ''])

/** A measure's part of the table. */
export function showResults(measure: Measure, results: readonly Result[]): string {
  return `(${measure.letter}) ${measure.title}\n${results.map(showResult).join('')}`
}

function showResult(result: Result): string {
  const { label, unit, value, bare, ratio, target, met } = result
  return line([
    `    ${label}${unit === '' ? '' : `, ${unit}`}`,
    format(value.median),
    `${format(value.least)} – ${format(value.most)}`,
    bare === null ? '' : format(bare.median),
    ratio === null ? '' : `${format(ratio.median)}×`,
    showTarget(target),
    met === null ? '' : met ? 'ok' : 'missed',
  ])
}

function showTarget(target: Target | null): string {
  if (target === null) return ''
  return 'atMost' in target ? `≤ ${format(target.atMost)}` : `≥ ${format(target.atLeast)}`
}

function line(cells: readonly string[]): string {
  const padded = cells.map((cell, index) => {
    const width = COLUMNS[index] ?? 0
    return index === 0 ? cell.padEnd(width) : cell.padStart(width)
  })
  return `${padded.join(' ').trimEnd()}\n`
}

function format(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}
