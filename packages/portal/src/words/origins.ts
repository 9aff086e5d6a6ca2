import type { EffectiveRule } from '@jobyard/client'

/** Whose word a rule is, as it stands behind it: `, as settings.job says`; nothing where it is the job's own or nobody's. */
export function sayOrigin({ from }: EffectiveRule<unknown>, setting: string): string {
  if (from === 'settings.job') return ', as settings.job says'
  if (from === 'app-settings') return `, as ${setting} says`
  return from === 'server' ? ", the server's limit" : ''
}

/** What counts where the job itself says nothing; undefined: it says something. */
export function inherited<T>(rule: EffectiveRule<T> | undefined): T | undefined {
  return rule === undefined || rule.from === 'job' ? undefined : rule.value
}
