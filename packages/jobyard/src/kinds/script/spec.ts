import Type, { type Static, type TSchema } from 'typebox'

const Variables = Type.Record(Type.String({ minLength: 1, maxLength: 256 }), Type.String({ maxLength: 65_536 }))
const Secrets = Type.Record(
  Type.String({ minLength: 1, maxLength: 256 }),
  Type.Object({ sealed: Type.String() }, { additionalProperties: false }),
)

/** What a script job says. Sizes and durations are text such as `512MB` and `5m`. */
export const ScriptSpec = Type.Object(
  {
    env: Type.Optional(
      Type.Unsafe<Record<string, string>>({ ...Variables, description: 'Environment variables of the script.' }),
    ),
    secrets: Type.Optional(
      Type.Unsafe<Record<string, { readonly sealed: string }>>({
        ...Secrets,
        description: 'Environment variables that are kept encrypted, never shown, and masked in output.',
      }),
    ),
    args: Type.Optional(
      Type.Array(Type.String({ maxLength: 65_536 }), {
        maxItems: 1000,
        description: 'Arguments when a run brings none.',
      }),
    ),
    inPlace: Type.Optional(
      Type.Boolean({
        description: 'True: what runs change in the working folder stays. Default: settings.job, else true for .js.',
      }),
    ),
    memory: Type.Optional(
      Type.String({
        description:
          'Memory that a run and all its processes may use, at least 4MB, such as 512MB; `none` for no limit.',
      }),
    ),
    processes: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 4_000_000,
        description: 'Processes that a run may have at once; 0 for no limit.',
      }),
    ),
    idleTimeout: Type.Optional(
      Type.String({
        description: 'A run that neither prints nor uses CPU for so long is ended, such as 10m. Default: never.',
      }),
    ),
    stopSignal: Type.Optional(
      Type.Union([Type.Literal('after-grace'), Type.Literal('at-once')], {
        description:
          'When a stopping script gets SIGTERM: when the grace is over (default), or together with the shutdown file.',
      }),
    ),
    ownSettings: Type.Optional(
      Type.String({
        description: 'Text that counts instead of settings.job of the package; set through the interface of Kudu.',
        'x-internal': true,
      }),
    ),
    ownSingleton: Type.Optional(
      Type.Boolean({
        description: 'What people said of the instances of a continuous job, instead of settings.job.',
        'x-internal': true,
      }),
    ),
    settings: Type.Optional(
      Type.Unknown({
        description: 'What settings.job says, as far as it counts; set by the deployment.',
        'x-internal': true,
      }),
    ),
  },
  { additionalProperties: false },
)

const {
  env: _env,
  secrets: _secrets,
  ownSettings: _own,
  ownSingleton: _singleton,
  settings: _settings,
  ...plain
} = ScriptSpec.properties

/** What callers may send of a spec: null takes a member away, a secret is sent as its value, or as `{"set": true}` to keep it. */
export const ScriptChange = Type.Object(
  {
    ...Object.fromEntries(Object.entries(plain).map(([name, member]) => [name, orNull(member)])),
    env: orNull(mapOf(Type.Union([Type.String({ maxLength: 65_536 }), Type.Null()]))),
    secrets: orNull(
      mapOf(
        Type.Union([
          Type.String({ maxLength: 65_536, writeOnly: true, description: 'The value, as text.' }),
          Type.Object({ set: Type.Boolean() }, { additionalProperties: false }),
          Type.Null(),
        ]),
      ),
    ),
  },
  { additionalProperties: false },
)

/** An object whose members may have any name at all. */
function mapOf(member: TSchema) {
  return Type.Object({}, { additionalProperties: member })
}

function orNull(member: TSchema) {
  return Type.Optional(Type.Union([member, Type.Null()]))
}

/** What a script job says. */
export type ScriptSpec = Static<typeof ScriptSpec>
