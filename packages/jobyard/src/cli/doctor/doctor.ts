import { messageOf } from '../../domain/error-message.ts'
import { JobyardError } from '../../domain/errors.ts'
import { type JobsUser, resolveRunAs } from '../../kinds/script/run-as.ts'
import { printJson } from '../answer.ts'
import { EXIT, paint, printable } from '../failure.ts'
import { configOf } from '../machine.ts'
import type { SettingFlags } from '../shape.ts'
import type { Terminal } from '../terminal.ts'
import { sayCount } from '../wording.ts'
import { type Check, type Finding, fail, type Patient } from './check.ts'
import { databaseCheck } from './database.ts'
import { dataFolderCheck, keyFileCheck } from './folders.ts'
import { interpretersCheck, runAsCheck } from './jobs.ts'
import { clockCheck, limitsCheck, nodeCheck } from './machine.ts'
import { addressCheck } from './network.ts'

/** All checks, in the order in which they are shown. */
export const CHECKS: readonly Check[] = [
  nodeCheck,
  clockCheck,
  dataFolderCheck,
  keyFileCheck,
  databaseCheck,
  runAsCheck,
  interpretersCheck,
  limitsCheck,
  addressCheck,
]

/** Checks whether the server can work here. Resolves with 1 when something keeps it from that. */
export async function doctor(terminal: Terminal, options: SettingFlags): Promise<number> {
  const config = configOf(terminal, options)
  const patient: Patient = { config, terminal, user: await findUser(config.runAs ?? undefined) }
  const results: (Finding & { readonly check: string })[] = []
  for (const check of CHECKS) {
    for (const finding of await runCheck(check, patient)) {
      results.push({ check: check.name, ...finding })
      if (options.json !== true) printFinding(terminal, check, finding)
    }
  }
  const failed = results.filter(({ level }) => level === 'fail').length
  const warned = results.filter(({ level }) => level === 'warn').length
  if (options.json === true) await printJson(terminal, results)
  else terminal.stdout.write(`\n${sayResult(failed, warned)}\n`)
  return failed === 0 ? EXIT.ok : EXIT.failed
}

function sayResult(failed: number, warned: number): string {
  if (failed > 0) return `${sayCount(failed, 'thing')} must be mended before the server can work here.`
  return warned > 0 ? `The server can work here; see ${sayCount(warned, 'warning')}.` : 'The server can work here.'
}

async function findUser(runAs: string | undefined): Promise<JobsUser | undefined> {
  try {
    return (await resolveRunAs(runAs)).user
  } catch (error) {
    if (error instanceof JobyardError) return undefined
    throw error
  }
}

/** A check that breaks is a finding, too, and the others go on. */
async function runCheck(check: Check, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await check.run(patient)
  } catch (error) {
    const why = messageOf(error)
    return [fail(`This could not be checked: ${why}.`, 'Run it again as the user of the server; please report it.')]
  }
}

const MARKS = { ok: ['green', 'ok  '], warn: ['yellow', 'warn'], fail: ['red', 'FAIL'] } as const

function printFinding(terminal: Terminal, { name }: Check, { level, what, todo }: Finding): void {
  const { stdout } = terminal
  const [style, mark] = MARKS[level]
  stdout.write(`${paint(stdout, style, mark)}  ${paint(stdout, 'bold', name.padEnd(13))} ${printable(what)}\n`)
  if (todo !== undefined)
    stdout.write(`      ${' '.repeat(13)} ${paint(stdout, 'dim', 'What to do:')} ${printable(todo)}\n`)
}
