import type { SettingFlags } from '../shape.ts'

/** Options of `backup`. */
export type BackupOptions = SettingFlags & {
  /** False with --no-output. */
  readonly output: boolean
  readonly filesOnly?: boolean
  readonly force?: boolean
}

/** Options of `restore`. */
export type RestoreOptions = SettingFlags & {
  readonly force?: boolean
  /** True: nothing starts on servers of this slot until somebody says so. */
  readonly stopped?: boolean
}
