import Type from 'typebox'
import { closed, Instant, named, nullable, oneOf } from './base.ts'

/** A file or folder of a job's data, in an answer. */
export const DataItem = named(
  'DataItem',
  closed(
    {
      name: Type.String(),
      type: oneOf(['file', 'folder']),
      bytes: Type.Integer({ description: '0 for a folder.' }),
      modifiedAt: Instant,
      tag: nullable(Type.String({ description: 'The ETag of a file, without quotes; null for a folder.' })),
    },
    'A file or folder that a job keeps.',
  ),
)

/** What lies in a folder of a job's data. */
export const DataFolder = named('DataFolder', closed({ items: Type.Array(DataItem) }))
