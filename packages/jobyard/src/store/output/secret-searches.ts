import { createHash } from 'node:crypto'
import { PatternSearch } from './pattern-search.ts'
import { secretForms } from './secret-forms.ts'

/** The searches of all open logs; those with the same secrets, as a collection's jobs have, share one. */
export class SecretSearches {
  readonly #shared = new Map<string, { readonly search: PatternSearch; users: number }>()

  /** The search for these secrets and a key for {@link release}; undefined when there is nothing to look for. */
  acquire(secrets: readonly string[]): { readonly key: string; readonly search: PatternSearch } | undefined {
    const forms = secretForms(secrets)
    if (forms.length === 0) return undefined
    const key = createHash('sha256').update(JSON.stringify(secrets)).digest('base64')
    const shared = this.#shared.get(key) ?? { search: new PatternSearch(forms), users: 0 }
    shared.users++
    this.#shared.set(key, shared)
    return { key, search: shared.search }
  }

  /** Forgets the secrets once no log uses them any more. */
  release(key: string): void {
    const shared = this.#shared.get(key)
    if (shared && --shared.users === 0) this.#shared.delete(key)
  }
}
