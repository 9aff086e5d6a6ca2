import type { JobInput } from '@jobyard/client'
import { parseDuration } from '../../domain/durations.ts'
import { JobyardError } from '../../domain/errors.ts'
import { parseMemoryLimit } from '../../domain/memory-limit.ts'
import { parseNcrontab } from '../../domain/ncrontab.ts'
import { requireZone } from '../../domain/zone.ts'
import { checkJobName } from '../../kinds/script/names.ts'
import { askSecret } from '../ask.ts'
import type { Terminal } from '../terminal.ts'
import { readCount, type ScopeOptions } from './options.ts'

/** Options of `script deploy`. */
export interface DeployOptions extends ScopeOptions {
  readonly name: string
  readonly continuous?: boolean
  readonly singleton?: boolean
  readonly schedule?: string
  readonly timeZone?: string
  readonly overlap?: string
  readonly env?: readonly string[]
  readonly secret?: readonly string[]
  readonly unset?: readonly string[]
  readonly arg?: readonly string[]
  readonly timeout?: string
  readonly retry?: string
  readonly retryDelay?: string
  readonly memory?: string
}

const RETRY_DELAY = '30s'

/**
 * The job that a deployment asks for, its package apart. All that can be checked is checked here, before anything is
 * uploaded.
 */
export async function readJob(terminal: Terminal, options: DeployOptions): Promise<JobInput> {
  checkJobName(options.name, '--name')
  checkTogether(options)
  const triggers = triggersOf(options)
  const policy = policyOf(options)
  const spec = await specOf(terminal, options)
  return {
    ...(options.collection === undefined ? {} : { collection: options.collection }),
    kind: 'script',
    ...typeOf(options),
    name: options.name,
    ...(triggers === undefined ? {} : { triggers }),
    ...(Object.keys(policy).length === 0 ? {} : { policy }),
    ...(Object.keys(spec).length === 0 ? {} : { spec }),
  }
}

/** Options that mean nothing without another one. */
function checkTogether(options: DeployOptions): void {
  if (options.singleton === true && options.continuous !== true) throw alone('--singleton', '--continuous')
  if (options.timeZone !== undefined && options.schedule === undefined) throw alone('--time-zone', '--schedule')
  if (options.type === 'triggered' && options.continuous === true) throw contrary('--continuous', 'triggered')
  if (options.type === 'continuous' && options.schedule !== undefined) throw contrary('--schedule', 'continuous')
  if (options.retryDelay !== undefined && options.retry === undefined) throw alone('--retry-delay', '--retry')
}

function contrary(option: string, type: string): JobyardError {
  return new JobyardError('usage-invalid', `${option} and --type ${type} contradict each other.`, {
    field: '--type',
    hint: `Leave out --type ${type}, or ${option}.`,
  })
}

/** The type that a deployment speaks of, if it does. */
export function typeOf({ type, continuous, schedule }: DeployOptions): { readonly type?: string } {
  if (continuous === true) return { type: 'continuous' }
  if (schedule !== undefined) return { type: 'triggered' }
  return type === undefined ? {} : { type }
}

function alone(option: string, other: string): JobyardError {
  return new JobyardError('usage-invalid', `${option} goes together with ${other}.`, {
    field: option,
    hint: `Add ${other}, or leave out ${option}.`,
  })
}

function triggersOf({ continuous, singleton, schedule, timeZone }: DeployOptions): JobInput['triggers'] {
  if (continuous === true) {
    return [{ type: 'continuous', ...(singleton === undefined ? {} : { singleton }) }]
  }
  if (schedule === undefined) return undefined
  parseNcrontab(schedule, '--schedule')
  const zone = timeZone === undefined ? {} : { timeZone: requireZone(timeZone, '--time-zone') }
  return [{ type: 'schedule', ncrontab: schedule, ...zone }]
}

function policyOf({ overlap, timeout, retry, retryDelay }: DeployOptions): Record<string, unknown> {
  if (timeout !== undefined) parseDuration(timeout, '--timeout')
  if (retryDelay !== undefined) parseDuration(retryDelay, '--retry-delay')
  const times = retry === undefined ? undefined : readCount(retry, '--retry', 0, 999)
  return {
    ...(overlap === undefined ? {} : { overlap }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(times === undefined ? {} : { retry: retryOf(times, retryDelay ?? RETRY_DELAY) }),
  }
}

/** People count how often something is tried again; a policy counts all attempts. */
function retryOf(times: number, delay: string): Record<string, unknown> {
  return times === 0 ? { kind: 'none' } : { kind: 'fixed', attempts: times + 1, delay }
}

async function specOf(terminal: Terminal, options: DeployOptions): Promise<Record<string, unknown>> {
  const { memory, arg: args } = options
  if (memory !== undefined && memory !== 'none') parseMemoryLimit(memory, '--memory')
  const unset = Object.fromEntries((options.unset ?? []).map((name) => [name, null]))
  const env: Record<string, string | null> = { ...unset, ...readVariables(options.env ?? []) }
  const secrets: Record<string, string | null> = { ...unset, ...(await readSecrets(terminal, options.secret ?? [])) }
  return {
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...(args === undefined ? {} : { args }),
    ...(memory === undefined ? {} : { memory }),
  }
}

function readVariables(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((each) => {
      const { name, value } = splitVariable(each, '--env')
      if (value !== undefined) return [name, value]
      throw new JobyardError('usage-invalid', `--env ${name} has no value.`, {
        field: '--env',
        hint: `Write --env ${name}=VALUE; for a secret, --secret ${name}.`,
      })
    }),
  )
}

async function readSecrets(terminal: Terminal, given: readonly string[]): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {}
  let piped: string | undefined
  for (const each of given) {
    const { name, value } = splitVariable(each, '--secret')
    const known = value ?? terminal.env[name]
    if (known === undefined && piped !== undefined && terminal.stdin.isTTY !== true) throw onlyOne(piped, name)
    if (known === undefined) piped = name
    secrets[name] = known ?? (await askSecret(terminal, `Secret ${name}: `))
  }
  return secrets
}

function onlyOne(first: string, second: string): JobyardError {
  return new JobyardError('usage-invalid', `Standard input can give one secret only, and ${first} has it already.`, {
    field: '--secret',
    hint: `Put ${second} into the environment of this command.`,
  })
}

function splitVariable(given: string, option: string): { name: string; value: string | undefined } {
  const at = given.indexOf('=')
  const name = at < 0 ? given : given.slice(0, at)
  if (name.trim() !== '' && name === name.trim()) return { name, value: at < 0 ? undefined : given.slice(at + 1) }
  // What came instead is not shown: it may be a secret.
  throw new JobyardError('usage-invalid', `${option} has no name, or one with blanks around it, before "=".`, {
    field: option,
    hint: `Write ${option} NAME=VALUE.`,
  })
}
