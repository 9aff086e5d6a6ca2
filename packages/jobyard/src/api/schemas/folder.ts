import Type from 'typebox'
import { closed, Instant, named, nullable } from './base.ts'

/** The folder that the jobs of a collection come from. */
export const WatchedFolder = named(
  'WatchedFolder',
  closed(
    {
      path: Type.String(),
      instance: Type.String({ description: 'The instance that looks into it.' }),
      seenAt: Instant,
      problems: Type.Array(
        closed({
          path: Type.String({ description: 'What is not deployed.' }),
          message: Type.String({ description: 'Why it is not.' }),
        }),
      ),
    },
    'The folder that the jobs of a collection come from.',
  ),
)

/** The answer about the folder of a collection. */
export const FolderAnswer = closed({ folder: nullable(WatchedFolder) }, 'Null where no folder is watched.')
