import Type from 'typebox'
import { closed, named, openObject } from './base.ts'

/** A refusal, as RFC 9457 writes it. */
export const Problem = named(
  'Problem',
  closed(
    {
      type: Type.String({ description: '`urn:jobyard:error:` and the code.' }),
      title: Type.String({ description: 'One line that names the error.' }),
      status: Type.Integer({ description: 'The HTTP status once more.' }),
      detail: Type.String({ description: 'What is wrong, as a sentence.' }),
      code: Type.String({ description: 'Stable name of the error.' }),
      hint: Type.String({ description: 'What to do about it.' }),
      field: Type.Optional(
        Type.String({ description: 'The input at fault, as a path such as `triggers.0.ncrontab`.' }),
      ),
      position: Type.Optional(
        Type.Integer({ description: "Offset of the first wrong character in the field's text, from 0." }),
      ),
      data: Type.Optional(openObject('Whatever else a program may want to know.')),
      requestId: Type.String({ description: "Under which the server's log has the particulars." }),
    },
    'What is wrong and what to do about it (RFC 9457).',
  ),
)
