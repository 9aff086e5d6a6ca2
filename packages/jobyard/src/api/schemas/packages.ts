import Type from 'typebox'
import { closed, Hash, named, nullable, openObject, wholeOf } from './base.ts'

const PackageWarning = named(
  'PackageWarning',
  closed({
    code: Type.String(),
    message: Type.String(),
    field: Type.Optional(Type.String()),
    position: Type.Optional(Type.Integer()),
  }),
)

/** A package, in an answer. */
export const Package = named(
  'Package',
  closed(
    {
      hash: Hash,
      files: Type.Integer(),
      bytes: Type.Integer(),
      script: nullable(
        closed({
          file: Type.String({ description: 'The script, relative to the top of the package.' }),
          directory: Type.String({ description: 'The folder that it lies in; empty for the top.' }),
          host: Type.String({ description: 'Sort of the script, such as `bash` or `python`.' }),
          interpreter: Type.String({ description: 'What runs it, such as `python3`.' }),
        }),
      ),
      settings: openObject('What settings.job says, as it was written.'),
      disabled: Type.Boolean({ description: 'True when a file `disable.job` lies beside the script.' }),
      warnings: Type.Array(PackageWarning),
    },
    'An uploaded zip or script, named by what it holds.',
  ),
)

/** The files of a package. */
export const PackageFiles = wholeOf(
  named('PackageFile', closed({ path: Type.String(), bytes: Type.Integer(), executable: Type.Boolean() })),
  'PackageFiles',
)
