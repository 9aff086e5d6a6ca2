import type { TSchema } from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import { isObject } from '../../domain/plain-object.ts'
import { nearest } from '../../domain/spelling.ts'

/** The keywords of JSON Schema that the interface's own schemas use for what is sent. */
interface Rule {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Rule>>
  readonly required?: readonly string[]
  /** False: there are no other members than those named; a rule: what each other member must be. */
  readonly additionalProperties?: boolean | Rule
  /** What members must be whose names have a pattern. */
  readonly patternProperties?: Readonly<Record<string, Rule>>
  readonly items?: Rule
  readonly anyOf?: readonly Rule[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly description?: string
  readonly examples?: readonly unknown[]
  /** True: a secret, or what may hold one. No refusal shows the value. */
  readonly writeOnly?: boolean
}

interface Fault {
  /** Path of the input, such as `policy.retry.attempts`; empty for the whole. */
  readonly field: string
  /** What is wrong, as the rest of a sentence that begins with the field. */
  readonly text: string
  readonly hint: string
}

/** For a rule with a keyword that is not known here. */
const UNKNOWN_FAULT: Fault = { field: '', text: 'is not valid', hint: 'See the interface description at /docs.' }

/**
 * The error 'input-invalid' for a value that does not keep a schema. (The compiled check only says whether; what the
 * library tells of a fault in one of several forms is of no use to whoever made it.) `whole` is what the value is called, such as `body`.
 */
export function explainFault(schema: TSchema, value: unknown, whole: string): JobyardError {
  const fault = findFault(schema, value, '') ?? UNKNOWN_FAULT
  const subject = fault.field === '' ? `The ${whole}` : fault.field
  return new JobyardError('input-invalid', `${subject} ${fault.text}.`, {
    field: fault.field === '' ? whole : fault.field,
    hint: fault.hint,
  })
}

function findFault(rule: Rule, value: unknown, field: string): Fault | undefined {
  if (rule.anyOf !== undefined) return findInForms(rule, rule.anyOf, value, field)
  if (rule.const !== undefined && value !== rule.const) {
    return { field, text: `must be ${show(rule.const)}${butIs(rule, value)}`, hint: `Send ${show(rule.const)}.` }
  }
  if (rule.enum !== undefined) return findInWords(rule.enum, value, field, rule)
  const types = rule.type === undefined ? [] : [rule.type].flat()
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) return wrongType(rule, types, value, field)
  if (typeof value === 'string') return findInText(rule, value, field)
  if (typeof value === 'number') return findInNumber(rule, value, field)
  if (Array.isArray(value)) return findInList(rule, value, field)
  return isObject(value) ? findInObject(rule, value, field) : undefined
}

function wrongType(rule: Rule, types: readonly string[], value: unknown, field: string, told = rule): Fault {
  const wanted = sayTypes(types)
  return { field, text: `must be ${wanted}${butIs(rule, value)}`, hint: hintOf(told, `Send ${wanted}.`) }
}

function sayTypes(types: readonly string[]): string {
  return types.map((type) => TYPES[type] ?? type).join(' or ')
}

/** One of several forms: that which the value's own marks choose, so that the fault told is the one that was made. */
function findInForms(rule: Rule, forms: readonly Rule[], value: unknown, field: string): Fault | undefined {
  const faults = forms.map((form) => findFault(form, value, field))
  if (faults.includes(undefined)) return undefined
  const chosen = forms.findIndex((form) => bearsMark(form, value))
  if (chosen >= 0) return faults[chosen]
  const marks = isObject(value) ? markOf(forms) : undefined
  if (marks !== undefined && isObject(value)) {
    const mark = value[marks.name]
    const place = join(field, marks.name)
    return mark === undefined
      ? { field: place, text: 'is missing', hint: `Use one of: ${marks.values.join(', ')}.` }
      : findInWords(marks.values, mark, place, {})
  }
  const fitting = forms.findIndex((form) => [form.type].flat().some((type) => isOfType(value, type ?? '')))
  if (fitting >= 0) return faults[fitting]
  const told = forms.find((form) => form.examples) ?? rule
  return wrongType(rule, [...new Set(forms.flatMap(typesOf))], value, field, told)
}

function typesOf({ type, anyOf }: Rule): readonly string[] {
  return anyOf === undefined ? [type ?? []].flat() : anyOf.flatMap(typesOf)
}

/** Whether the value carries the word by which this form is known. */
function bearsMark(form: Rule, value: unknown): boolean {
  if (form.anyOf !== undefined) return isObject(value)
  if (!isObject(value)) return false
  return Object.entries(form.properties ?? {}).some(
    ([name, { const: mark }]) => mark !== undefined && value[name] === mark,
  )
}

function markOf(forms: readonly Rule[]): { name: string; values: unknown[] } | undefined {
  const marks = forms.flatMap((form) =>
    Object.entries(form.properties ?? {}).flatMap(([name, rule]) =>
      rule.const === undefined ? [] : [{ name, value: rule.const }],
    ),
  )
  const name = marks[0]?.name
  return name === undefined ? undefined : { name, values: marks.map(({ value }) => value) }
}

function findInWords(words: readonly unknown[], value: unknown, field: string, rule: Rule): Fault | undefined {
  if (words.includes(value)) return undefined
  const meant = typeof value === 'string' ? nearest(value, words.map(String)) : undefined
  const hint = meant === undefined ? `Use one of: ${words.join(', ')}.` : `Did you mean ${meant}?`
  return { field, text: `must be one of ${words.join(', ')}${butIs(rule, value)}`, hint }
}

function findInText(rule: Rule, value: string, field: string): Fault | undefined {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = rule
  if (value.length < minLength) {
    const text = value === '' ? 'is empty' : `must have at least ${minLength} characters`
    return { field, text, hint: hintOf(rule, `Write at least ${minLength} characters.`) }
  }
  if (value.length > maxLength) {
    const text = `has ${value.length} characters; at most ${maxLength} are taken`
    return { field, text, hint: `Shorten it by ${value.length - maxLength}.` }
  }
  if (pattern === undefined || new RegExp(pattern).test(value)) return undefined
  return {
    field,
    text: `has not the form that it must have${butIs(rule, value)}`,
    hint: hintOf(rule, `It must match ${pattern}.`),
  }
}

function findInNumber(rule: Rule, value: number, field: string): Fault | undefined {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = rule
  if (value >= minimum && value <= maximum) return undefined
  const range = maximum === Number.POSITIVE_INFINITY ? `at least ${minimum}` : `from ${minimum} to ${maximum}`
  return { field, text: `must be ${range}${butIs(rule, value)}`, hint: hintOf(rule, `Use a number ${range}.`) }
}

function findInList(rule: Rule, value: readonly unknown[], field: string): Fault | undefined {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items } = rule
  if (value.length < minItems) return { field, text: `must hold at least ${minItems}`, hint: 'Add what is missing.' }
  if (value.length > maxItems) {
    const text = `holds ${value.length}; at most ${maxItems} are taken`
    return { field, text, hint: `Leave ${value.length - maxItems} out.` }
  }
  if (items === undefined) return undefined
  for (const [index, item] of value.entries()) {
    const fault = findFault(items, item, join(field, String(index)))
    if (fault !== undefined) return fault
  }
  return undefined
}

function findInObject(rule: Rule, value: Readonly<Record<string, unknown>>, field: string): Fault | undefined {
  const { properties = {}, required = [] } = rule
  const names = Object.keys(properties)
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(properties, name)) continue
    const place = join(field, shorten(name))
    const other = ruleOfOther(rule, name)
    if (other === false) return unknownMember(name, names, place)
    const fault = other === true ? undefined : findFault(other, value[name], place)
    if (fault !== undefined) return fault
  }
  for (const [name, member] of Object.entries(properties)) {
    const place = join(field, name)
    if (value[name] === undefined) {
      if (required.includes(name))
        return { field: place, text: 'is missing', hint: hintOf(member, missingHint(member)) }
      continue
    }
    const fault = findFault(member, value[name], place)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** What a member must be that is not named in the schema; false: there is none of that name. */
function ruleOfOther({ patternProperties = {}, additionalProperties = true }: Rule, name: string): boolean | Rule {
  const known = Object.entries(patternProperties).find(([pattern]) => new RegExp(pattern).test(name))
  return known?.[1] ?? additionalProperties
}

function unknownMember(name: string, names: readonly string[], field: string): Fault {
  const meant = nearest(name, names)
  const known = names.length === 0 ? 'Nothing is taken here.' : `Known are ${names.join(', ')}.`
  return { field, text: 'is not known', hint: meant === undefined ? known : `Did you mean ${meant}?` }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  return type === 'null' ? value === null : typeof value === type
}

/** What the schema says of the member and shows as an example; else the fallback, which says what to do as well. */
function hintOf({ description, examples }: Rule, fallback: string): string {
  const example = examples === undefined ? undefined : `For example ${JSON.stringify(examples[0])}.`
  const told = [description, example].filter((part) => part !== undefined)
  return told.length === 0 ? fallback : told.join(' ')
}

function missingHint(rule: Rule): string {
  const types = typesOf(rule)
  return types.length === 0 ? 'Add it.' : `Add it as ${sayTypes(types)}.`
}

function join(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** What the value is, for a sentence that says what it must be; nothing when it may be a secret. */
function butIs(rule: Rule, value: unknown): string {
  return mayHoldSecret(rule) ? '' : `; it is ${show(value)}`
}

/** Whether the rule, or that of anything within, is about a secret: what has the wrong form may be one, too. */
function mayHoldSecret({
  writeOnly,
  anyOf,
  items,
  properties,
  patternProperties,
  additionalProperties,
}: Rule): boolean {
  if (writeOnly === true) return true
  const others = typeof additionalProperties === 'object' ? [additionalProperties] : []
  const within = [anyOf, items, others, Object.values(properties ?? {}), Object.values(patternProperties ?? {})]
  return within.flatMap((rules) => rules ?? []).some(mayHoldSecret)
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (isObject(value)) return 'an object'
  return typeof value === 'string' ? JSON.stringify(shorten(value)) : String(value)
}
