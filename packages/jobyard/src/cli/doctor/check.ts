import type { Config } from '../../config.ts'
import type { JobsUser } from '../../kinds/script/run-as.ts'
import type { Terminal } from '../terminal.ts'

/** What a check found, for a line of its own. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  /** What is so, as a sentence. */
  readonly what: string
  /** What to do about it; not needed when all is well. */
  readonly todo?: string
}

/** What checks look at. */
export interface Patient {
  readonly config: Config
  readonly terminal: Pick<Terminal, 'env' | 'clock'>
  /** The user that jobs run as; undefined when it cannot be found, which a check of its own says. */
  readonly user: JobsUser | undefined
}

/** Something to look at. It changes nothing that is not put back, and throws only by mistake. */
export interface Check {
  /** What it is about, in a word or two. */
  readonly name: string
  run(patient: Patient): Promise<readonly Finding[]> | readonly Finding[]
}

/** A finding that all is well. */
export function ok(what: string): Finding {
  return { level: 'ok', what }
}

/** A finding of something that works, but perhaps not as its owner thinks. */
export function warn(what: string, todo: string): Finding {
  return { level: 'warn', what, todo }
}

/** A finding of something that keeps the server or jobs from working. */
export function fail(what: string, todo: string): Finding {
  return { level: 'fail', what, todo }
}
