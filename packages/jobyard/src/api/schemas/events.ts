import Type from 'typebox'
import { Instant, MaybeInstant, named, nullable } from './base.ts'

/** Something that happened. Its members depend on its type. */
export const LiveEvent = named(
  'LiveEvent',
  Type.Object(
    {
      id: Type.String({ description: 'Its place in the order of the process; `after` and Last-Event-ID take it.' }),
      type: Type.String({ description: 'Such as `run.created`, `run.changed`, `task.changed` or `job.saved`.' }),
      time: Type.Optional(Instant),
    },
    { additionalProperties: true, description: 'Something that happened; further members depend on the type.' },
  ),
)

/** A page of events that have happened. */
export const EventPage = named(
  'EventPage',
  Type.Object(
    {
      items: Type.Array(LiveEvent),
      next: nullable(Type.String({ description: 'Give it back as `cursor` for the next page; null on the last one.' })),
      gap: Type.Boolean({ description: 'True: some behind `after` are not kept any longer.' }),
      keptSince: MaybeInstant,
    },
    { additionalProperties: false },
  ),
)
