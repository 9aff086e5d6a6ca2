import type { AppSetting, Policy } from '@jobyard/client'
import { describe, expect, test } from 'vitest'
import { limitsChange, limitsDraft } from '../../../portal/src/webjobs/limits-draft.ts'
import { policyOf, rulesDraft } from '../../../portal/src/webjobs/rules-draft.ts'
import {
  faultOfVariable,
  pasteVariables,
  variablesChange,
  variablesDraft,
} from '../../../portal/src/webjobs/variables-draft.ts'
import { changesOf, inputOf, readLines, writeLines } from '../../../portal/src/words/setting-lines.ts'
import { showPolicy } from '../../src/api/input/policy.ts'
import { DEFAULT_POLICY } from '../../src/domain/model.ts'

const USUAL = showPolicy(DEFAULT_POLICY) as Policy

function setting(name: string, value: string | null, more: Partial<AppSetting> = {}): AppSetting {
  const made = { updatedAt: '2026-11-21T00:00:00.000Z', updatedBy: 'ada', warning: null }
  return { name, value, secret: false, slot: null, ...made, ...more }
}

describe('settings as lines', () => {
  const there = [
    setting('REGION', 'eu'),
    setting('QUERY', 'a=b&c=d '),
    setting('KEY', null, { secret: true }),
    setting('PEM', 'two\nlines'),
  ]

  test('are written and read back as they were, and change nothing', () => {
    const text = writeLines(there)
    expect(text).toBe('REGION=eu\nQUERY=a=b&c=d \n')
    expect(changesOf(there, readLines(text).entries)).toEqual([])
  })

  test('add, change and remove, leave alone what fits no line, and give a secret a new value', () => {
    const { entries, faults } = readLines('# of the shop\r\n\r\n  region=us\r\nNEW = 1\r\nKEY=other')
    expect(faults).toEqual([])
    const changes = changesOf(there, entries)
    expect(changes).toEqual([
      { kind: 'changed', name: 'region', from: 'eu', to: 'us', secret: false, pinned: false },
      { kind: 'new', name: 'NEW', from: null, to: ' 1', secret: false, pinned: false },
      { kind: 'changed', name: 'KEY', from: null, to: 'other', secret: true, pinned: false },
      { kind: 'removed', name: 'QUERY', from: 'a=b&c=d ', to: null, secret: false, pinned: false },
    ])
    expect(inputOf(changes)).toEqual({
      region: { value: 'us' },
      NEW: { value: ' 1' },
      KEY: { value: 'other' },
      QUERY: null,
    })
  })

  test('can be the list that Azure gives, which pins what is of one slot', () => {
    const list = [
      { name: 'REGION', value: 'eu', slotSetting: true },
      { name: 'NEW', value: 'two\nlines', slotSetting: false },
    ]
    const { entries, faults } = readLines(JSON.stringify(list))
    expect(faults).toEqual([])
    const changes = changesOf([setting('REGION', 'eu'), setting('KEPT', null, { secret: true })], entries)
    expect(inputOf(changes)).toEqual({ REGION: { value: 'eu', slot: true }, NEW: { value: 'two\nlines' } })
    expect(changesOf([setting('REGION', 'eu', { slot: 'production' })], entries).map(({ name }) => name)).toEqual([
      'NEW',
    ])
    expect(readLines('{"REGION": "eu", "N": "1"}').entries).toMatchObject([
      { name: 'REGION' },
      { name: 'N', value: '1' },
    ])
    for (const wrong of [
      '[{"name": "A"}]',
      '[1]',
      '[',
      '{"A": 1}',
      '[{"name":"A","value":"1"},{"name":"a","value":"2"}]',
    ]) {
      expect(readLines(wrong)).toMatchObject({ entries: [], faults: [{ line: 1 }] })
    }
  })

  test('say which line is wrong', () => {
    expect(readLines('A=1\nB\n=2\na=3').faults).toEqual([
      { line: 2, text: 'There is no = in it: write NAME=VALUE.' },
      { line: 3, text: 'There is no name before the =.' },
      { line: 4, text: 'a is in line 1 already.' },
    ])
  })
})

describe('the variables of a job', () => {
  const spec = { env: { REGION: 'eu', MODE: 'fast' }, secrets: { KEY: { set: true } } }

  test('that are left as they are change nothing', () => {
    expect(variablesChange(variablesDraft(spec), spec)).toBeUndefined()
  })

  test('become others: changed, taken away, secret, and no secret any longer', () => {
    const rows = variablesDraft(spec)
    const edited = rows.flatMap((row) => {
      if (row.name === 'MODE') return []
      return [row.name === 'REGION' ? { ...row, secret: true } : { ...row, secret: false, value: 'plain' }]
    })
    expect(variablesChange(edited, spec)).toEqual({
      env: { KEY: 'plain', REGION: null, MODE: null },
      secrets: { REGION: 'eu', KEY: null },
    })
  })

  test('can be pasted as lines, which go into the rows of their names', () => {
    const rows = variablesDraft({ env: { REGION: 'eu' } })
    const empty = { key: 1, name: '', value: '', secret: false, kept: false }
    expect(pasteVariables([...rows, empty], 1, 'REGION=us\nURL=http://x?a=b\n')).toMatchObject([
      { name: 'REGION', value: 'us' },
      { name: 'URL', value: 'http://x?a=b' },
    ])
    expect(pasteVariables(rows, 0, 'just a word')).toBeUndefined()
  })

  test('are refused where two have a name, and where a secret is to be shown', () => {
    const [key, mode] = variablesDraft({ env: { MODE: 'fast' }, secrets: { KEY: { set: true } } })
    if (key === undefined || mode === undefined) throw new Error('There are two.')
    expect(faultOfVariable({ ...mode, name: 'KEY' }, [key, { ...mode, name: 'KEY' }])).toContain('already')
    expect(faultOfVariable({ ...key, secret: false }, [key, mode])).toContain('type its value anew')
    expect(faultOfVariable({ ...mode, name: '' }, [key, mode])).toBe('Give it a name.')
  })
})

describe('the rules of a job', () => {
  const shown: Policy[] = [
    USUAL,
    { ...USUAL, overlap: 'queue', queueDepth: 7, retry: { kind: 'fixed', attempts: 3, delay: '30s' } },
    {
      ...USUAL,
      keepAge: '30d',
      retry: { kind: 'exponential', attempts: 5, delay: '10s', factor: 3, maxDelay: '10m', jitter: 0.5 },
      restart: { delay: '5s', backoff: { factor: 2, max: '10m' } },
    },
  ]
  test.each(shown)('are sent as they were when nothing was touched: %#', (policy) => {
    expect(policy).toMatchObject(policyOf(rulesDraft(policy), 'triggered'))
    expect(policy).toMatchObject(policyOf(rulesDraft(policy), 'continuous'))
  })

  test('take what is usual where nothing is written', () => {
    const draft = { ...rulesDraft(USUAL), keepRuns: '', keepAge: '', queueDepth: ' ', restartDelay: '' }
    expect(policyOf(draft, 'triggered')).toMatchObject({ keepRuns: null, keepAge: null, queueDepth: null })
    expect(policyOf(draft, 'continuous')).toMatchObject({ restart: null })
  })
})

describe('the limits of a job', () => {
  test('send what was changed alone, and null for what is usual', () => {
    const before = limitsDraft({ policy: { ...USUAL, timeout: '10m' }, spec: { memory: '512MB', processes: 0 } })
    expect(limitsChange(before, before)).toBeUndefined()
    expect(limitsChange({ ...before, timeout: '', memory: 'none', stopSignal: 'at-once' }, before)).toEqual({
      policy: { timeout: null },
      spec: { memory: 'none', stopSignal: 'at-once' },
    })
    expect(limitsChange({ ...before, processes: '' }, before)).toEqual({ spec: { processes: null } })
  })
})
