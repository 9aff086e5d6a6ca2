import type { AuditEntry } from '@jobyard/client'
import { printJson } from './answer.ts'
import { connect } from './connection.ts'
import { readCount, type ScopeOptions, scopeOf } from './script/options.ts'
import { printTable, timeColumn } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Options of `audit`. */
export interface AuditOptions extends ScopeOptions {
  readonly job?: string
  readonly limit: string
}

/** Lists who changed what. */
export async function audit(terminal: Terminal, options: AuditOptions): Promise<void> {
  const limit = readCount(options.limit, '--limit', 1, 100_000)
  const { collection, job } = options
  const jobyard = await connect(terminal, options)
  const target = job === undefined ? undefined : (await jobyard.jobs.get(job, scopeOf(options))).id
  const filter = {
    ...(target === undefined ? {} : { target }),
    ...(collection === undefined ? {} : { collection }),
  }
  const entries = await jobyard.audit.list(filter, { pageSize: Math.min(limit, 500) }).take(limit)
  if (options.json === true) return printJson(terminal, entries)
  await printTable<AuditEntry>(terminal.stdout, entries, [
    timeColumn('WHEN', ({ time }) => time),
    { title: 'WHO', value: ({ actor, role }) => `${actor} (${role})` },
    { title: 'FROM', value: ({ address }) => address ?? '-' },
    { title: 'WHAT', value: ({ action }) => action },
    { title: 'OF', value: ({ targetType, targetName, targetId }) => `${targetType} ${targetName ?? targetId ?? ''}` },
    { title: 'PARTICULARS', value: ({ detail }) => sayDetail(detail), yields: true },
  ])
}

function sayDetail(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => (name === 'changed' ? sayChanges(value) : `${name}=${sayValue(value)}`))
    .join(' ')
}

/** What was changed comes as what it was and is, or as one word where that is not told. */
function sayChanges(changed: unknown): string {
  return Object.entries(changed ?? {})
    .map(([name, change]: [string, unknown]) => {
      if (typeof change !== 'object' || change === null) return `${name} ${String(change)}`
      const { from, to } = change as { readonly from?: unknown; readonly to?: unknown }
      return `${name}: ${sayValue(from)} → ${sayValue(to)}`
    })
    .join(', ')
}

function sayValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
