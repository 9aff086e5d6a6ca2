import type { Jobyard, Run } from '@jobyard/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openYard, type Yard } from '../examples/yard.ts'
import { eventually } from '../support/eventually.ts'
import { quotedWords, readText } from './checkout.ts'

const SCRIPT =
  '#!/bin/sh\nenv\necho END\nwhile [ "$WEBJOBS_TYPE" = continuous ] && [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.05; done\n'

/** What the shell itself adds. */
const OF_THE_SHELL = new Set(['PWD', 'OLDPWD', 'SHLVL', '_'])

/** What only continuous jobs get. */
const OF_CONTINUOUS = new Set(['WEBJOBS_PORT', 'JOBYARD_JOB_PORT'])

let yard: Yard
let jobyard: Jobyard

beforeAll(async () => {
  yard = await openYard()
  jobyard = yard.jobyard
})

afterAll(() => yard.stop())

/** What the page says that a job of this type gets, its body included; the variable with the job's name apart. */
async function documented(): Promise<string[]> {
  const page = await readText('docs/reference/environment.md')
  const first = [...page.matchAll(/^\| (.+?) \| (.+?) \|/gm)].flatMap(([, name = '', second = '']) => [
    ...quotedWords(name),
    ...(/^`JOBYARD_\w+`$/.test(second) ? quotedWords(second) : []),
  ])
  return first.filter((name) => /^[A-Z_]+$/.test(name)).toSorted()
}

async function deploy(name: string, type: 'triggered' | 'continuous'): Promise<void> {
  const { hash } = await jobyard.packages.upload(Buffer.from(SCRIPT), 'run.sh')
  await jobyard.jobs.create({ name, type, package: hash, ...(type === 'continuous' ? { triggers: [{ type }] } : {}) })
}

/** Names of the variables that a run has printed, sorted. */
async function printedBy(run: Run): Promise<string[]> {
  const text = await eventually('the script has printed its environment', async () => {
    const { items } = await jobyard.output.page(run.id)
    const printed = items.map((entry) => entry.text ?? '').join('')
    return printed.includes('END\n') && printed
  })
  const names = [...text.matchAll(/^(\w+)=/gm)].map((match) => match[1] ?? '')
  return names.filter((name) => !OF_THE_SHELL.has(name) && !name.startsWith('LC_')).toSorted()
}

describe('the page about the environment of scripts', () => {
  it('lists exactly what a triggered job with a body gets', async () => {
    await deploy('one', 'triggered')
    const run = await jobyard.runs.create('one', { payload: { text: 'hello' } })
    expect((await jobyard.runs.wait(run.id, { timeoutMs: 10_000 })).state).toBe('completed')
    const names = await printedBy(run)
    expect(names).toContain('WEBSITE_TRIGGERED_JOB_RUNNING_one')
    const expected = (await documented()).filter((name) => !OF_CONTINUOUS.has(name))
    const allowed = new Set([...expected, 'LANGUAGE', 'TZ', 'WEBSITE_TRIGGERED_JOB_RUNNING_one'])
    expect(names.filter((name) => !allowed.has(name))).toEqual([])
    expect(expected.filter((name) => !names.includes(name))).toEqual([])
  })

  it('lists exactly what a continuous job gets, which has no body', async () => {
    await deploy('two', 'continuous')
    const run = await eventually('the job runs', async () => (await jobyard.jobs.get('two')).latestRun ?? undefined)
    const names = await printedBy(run)
    expect(names).toContain('WEBSITE_ALWAYS_ON_JOB_RUNNING_two')
    const expected = (await documented()).filter((name) => name !== 'JOBYARD_PAYLOAD_FILE')
    expect(expected.filter((name) => !names.includes(name))).toEqual([])
    await jobyard.jobs.stop('two')
    expect((await jobyard.runs.wait(run.id, { timeoutMs: 10_000 })).state).toBe('stopped')
  })
})
