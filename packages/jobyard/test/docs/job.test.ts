import { describe, expect, it } from 'vitest'
import { showPolicy } from '../../src/api/input/policy.ts'
import { JobInput, TriggerInput } from '../../src/api/schemas/jobs.ts'
import { Policy } from '../../src/api/schemas/policy.ts'
import { DEFAULT_POLICY } from '../../src/domain/model.ts'
import { ScriptSpec } from '../../src/kinds/script/spec.ts'
import { quotedWords, readText, tableRows } from './checkout.ts'

const page = await readText('docs/reference/job.md')

/** The members that a table of the page explains. */
function explained(heading: string): string[] {
  return tableRows(page, heading).map(([member = '']) => quotedWords(member)[0] ?? '')
}

function membersOf(schema: object): string[] {
  return 'properties' in schema ? Object.keys(schema.properties as object) : []
}

describe('the page about what a job says', () => {
  it('explains every member of a job', () => {
    expect(explained('The job').toSorted()).toEqual(membersOf(JobInput).toSorted())
  })

  it('explains every member of a script’s spec', () => {
    expect(explained('spec').toSorted()).toEqual(membersOf(ScriptSpec).toSorted())
  })

  it('explains every rule', () => {
    expect(explained('policy').toSorted()).toEqual(membersOf(Policy).toSorted())
  })

  it('explains every sort of trigger with all its members', () => {
    const rows = tableRows(page, 'triggers').map(([type = '', members = '']) => ({
      type: quotedWords(type)[0],
      members: quotedWords(members),
    }))
    const sorts = (TriggerInput as { anyOf: readonly { properties: Record<string, { const?: string }> }[] }).anyOf
    expect(rows.map(({ type }) => type).toSorted()).toEqual(
      sorts.map(({ properties }) => properties.type?.const).toSorted(),
    )
    for (const { properties } of sorts) {
      const row = rows.find(({ type }) => type === properties.type?.const)
      for (const member of Object.keys(properties)) if (member !== 'type') expect(row?.members).toContain(member)
    }
  })

  it('gives the numbers that are the defaults', () => {
    const rules = showPolicy(DEFAULT_POLICY)
    const defaults = new Map(
      tableRows(page, 'policy').map(([name = '', , value = '']) => [quotedWords(name)[0], value]),
    )
    for (const name of ['queueDepth', 'maxCrashes', 'keepRuns', 'parallel'] as const) {
      expect(defaults.get(name)).toBe(String(rules[name]))
    }
    for (const name of ['overlap', 'onCrash', 'output'] as const) expect(defaults.get(name)).toBe(`\`${rules[name]}\``)
    for (const name of ['timeout', 'keepAge'] as const) expect(defaults.get(name)).toBe(String(rules[name]))
    expect(rules.misfire).toEqual({ kind: 'once', window: '10m' })
    expect(rules.restart).toEqual({ delay: '1m' })
    expect(rules.grace).toBeNull()
  })
})
