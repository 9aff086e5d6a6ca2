import Type from 'typebox'
import { HOOK_EVENTS } from '../../store/procedures/hooks.ts'
import { CollectionRef, closed, Id, Instant, named, nullable, oneOf, pageOf } from './base.ts'

const EVENT = oneOf(
  HOOK_EVENTS,
  '`run-finished`: a run of a job that is not continuous has ended, however it ended. `deployed`: a job has a new package.',
)

/** An address that is called when something happens in a collection. */
export const Hook = named(
  'Hook',
  closed(
    {
      id: Id,
      collection: Type.String({ description: 'Name of the collection.' }),
      event: EVENT,
      url: Type.String({ description: 'Without user and password.' }),
      credentials: Type.Boolean({
        description: 'True: a user and a password go with the calls; they are never shown.',
      }),
      insecure: Type.Boolean({ description: 'True: the certificate of the address is not looked at.' }),
      createdBy: Type.String(),
      createdAt: Instant,
      last: nullable(
        closed(
          {
            at: Instant,
            status: nullable(Type.Integer({ description: 'HTTP status; null when no answer came.' })),
            reason: Type.String({ description: 'The words beside the status, or why no answer came.' }),
            body: Type.String({ description: 'What was sent, cut after 16,384 characters.' }),
          },
          'The last call; null before the first one.',
        ),
      ),
    },
    'An address that is called when something happens in a collection.',
  ),
)

/** A page of hooks. */
export const HookPage = pageOf(Hook, 'HookPage')

/** A hook to be made. */
export const HookInput = named(
  'HookInput',
  closed({
    collection: Type.Optional(CollectionRef),
    event: EVENT,
    url: Type.String({
      minLength: 1,
      maxLength: 2048,
      writeOnly: true,
      description: 'In full, by http or https. User and password in it are sent as HTTP Basic and kept encrypted.',
      examples: ['https://user:password@example.com/hooks/jobs'],
    }),
    insecure: Type.Optional(Type.Boolean({ description: 'Do not look at the certificate. Default false.' })),
  }),
)
