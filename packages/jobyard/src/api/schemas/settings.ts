import Type from 'typebox'
import { CollectionRef, closed, Instant, named, nullable, wholeOf } from './base.ts'

/** A setting of a collection, in an answer. */
export const AppSetting = named(
  'AppSetting',
  closed(
    {
      name: Type.String(),
      value: nullable(Type.String({ description: 'Null for a secret one, and for whoever may not deploy.' })),
      secret: Type.Boolean({ description: 'Kept encrypted, never shown, masked in the output of jobs.' }),
      slot: nullable(Type.String({ description: 'The only slot that it is for; null: all.' })),
      updatedAt: Instant,
      updatedBy: Type.String(),
      warning: nullable(
        Type.String({
          description:
            'Why the server cannot go by a setting that steers it, as a sentence. Clients of Kudu may set such values; they count as not set.',
        }),
      ),
    },
    'A name and a value that the jobs of a collection get as environment.',
  ),
)

/** The settings of a collection. */
export const AppSettings = wholeOf(AppSetting, 'AppSettings')

const value = Type.String({ maxLength: 100_000, writeOnly: true, description: 'At most 32 KB.' })

/** What is sent of one setting. */
export const AppSettingInput = named(
  'AppSettingInput',
  Type.Union(
    [
      value,
      closed({
        value: Type.Optional(value),
        secret: Type.Optional(Type.Boolean({ description: 'One that is secret stays so until false is said.' })),
        slot: Type.Optional(
          Type.Union([Type.String({ maxLength: 64 }), Type.Boolean(), Type.Null()], {
            description: "The only slot that it is for; true: this server's; null or false: all.",
          }),
        ),
      }),
    ],
    { description: 'A value, or what is to be said of it; what is left out stays as it is.' },
  ),
)

const COLLECTION = { collection: Type.Optional(CollectionRef) }

/** All settings of a collection as they are to be. */
export const AppSettingsInput = named(
  'AppSettingsInput',
  closed({
    ...COLLECTION,
    settings: Type.Record(Type.String(), AppSettingInput, { description: 'By name; all others are taken away.' }),
  }),
)

/** A change of some settings. */
export const AppSettingsChange = named(
  'AppSettingsChange',
  closed({
    ...COLLECTION,
    settings: Type.Record(Type.String(), Type.Union([AppSettingInput, Type.Null()]), {
      description: 'By name; null takes one away, and those that are not named stay.',
    }),
  }),
)
