import type { CampaignReport } from './campaign.ts'
import { KILLS, OTHERS } from './torment.ts'
import { INVARIANTS, type Invariant } from './violations.ts'

/** What a campaign did and found, as lines for people. */
export function renderReport(report: CampaignReport): string[] {
  return [
    '',
    `${report.options.database}, ${report.options.instances} ${report.options.instances === 1 ? 'instance' : 'instances'}, seed ${report.options.seed}, ${minutes(report.tookMs)}`,
    '',
    ...renderDeeds(report),
    '',
    ...renderFigures(report),
    '',
    ...renderInvariants(report),
  ]
}

function renderDeeds({ counts, kills, lives }: CampaignReport): string[] {
  const line = (name: string, count: number): string => `  ${name.padEnd(22)}${String(count).padStart(7)}`
  return [
    'killed with SIGKILL',
    ...KILLS.map((deed) => line(deed, counts[deed])),
    line('in all', kills),
    'besides',
    ...OTHERS.filter((deed) => counts[deed] > 0).map((deed) => line(deed, counts[deed])),
    line('servers started', lives),
  ]
}

function renderFigures(report: CampaignReport): string[] {
  const { acknowledged, executions, occurrences, recovery, singleton, everywhere, measured, peaks, leftovers } = report
  const MB = 1024 * 1024
  return [
    'seen',
    `  requests for runs      ${acknowledged.asked}: ${acknowledged.acknowledged} acknowledged, ${acknowledged.refused} refused, ${acknowledged.sentAgain} sent more than once, ${acknowledged.unanswered} without an answer`,
    `  answers                ${Object.entries(report.answers)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', ')}`,
    `  runs                   ${report.runs}, of which ${report.followed} followed another`,
    `  attempts               ${executions.attempts}, of which ${executions.cutShort} were cut short; ${executions.marks} marks`,
    `  occurrences            ${occurrences.occurrences}: ${occurrences.ran} ran, ${occurrences.skipped} skipped, ${occurrences.missed} missed`,
    `  running at a death     ${recovery.doomed} tasks, ${recovery.retried} tried again; ended after ${spread(recovery.took)} ms`,
    `  singleton              ${singleton.lifetimes} lifetimes; gaps ${spread(singleton.gaps)} ms`,
    `  on every instance      ${everywhere.lifetimes} lifetimes; gaps ${spread(everywhere.gaps)} ms`,
    `  server up after        ${spread(measured.ready)} ms`,
    `  processes gone after   ${spread(measured.gone)} ms`,
    `  rows gone through      ${report.rowsChecked}`,
    `  most open files        ${peaks.files} (${Object.entries(peaks.sorts)
      .map(([sort, count]) => `${count} ${sort}`)
      .join(
        ', ',
      )}); at rest ${report.files.map(([before, after]) => `${before} → ${after}`).join(', ') || 'not compared'}`,
    `  most memory            ${Math.round(peaks.residentBytes / MB)} MB resident`,
    `  left in the database   ${Object.entries(leftovers.rows)
      .map(([table, rows]) => `${table} ${rows}`)
      .join(', ')}; output ${(leftovers.outputBytes / MB).toFixed(1)} MB`,
  ]
}

function renderInvariants({ violations }: CampaignReport): string[] {
  return [
    'violations',
    ...Object.entries(INVARIANTS).map(([name, text]) => {
      const count = violations.of(toInvariant(name))
      return `  ${name.padEnd(6)}${String(count).padStart(5)}  ${text}`
    }),
    `  in all${String(violations.total).padStart(3)}`,
  ]
}

function toInvariant(name: string): Invariant {
  if (name === 'books') return name
  return Number(name) as Invariant
}

/** Median, 99th of a hundred, and most. */
function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none'
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`
}

function minutes(milliseconds: number): string {
  return `${(milliseconds / 60_000).toFixed(1)} minutes`
}
