import type { Static } from 'typebox'
import { readNumbersExactly } from '../../kinds/script/exact-json.ts'
import type { PackageView } from '../../kinds/script/packages.ts'
import type { Package } from '../schemas/packages.ts'

/** A package as it is shown. */
export function showPackage(view: PackageView): Static<typeof Package> {
  const { hash, files, bytes, script, settings, exactSettings, disabled, warnings } = view
  const { file, directory, host, interpreter } = script ?? { file: '', directory: '', host: '', interpreter: '' }
  return {
    hash,
    files,
    bytes,
    script: script === null ? null : { file, directory, host, interpreter },
    settings: exactSettings === undefined ? { ...settings } : readNumbersExactly(exactSettings),
    disabled,
    warnings: warnings.map((warning) => ({ ...warning })),
  }
}
