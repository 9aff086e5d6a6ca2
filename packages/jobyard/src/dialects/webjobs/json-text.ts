/** JSON that is there as a text, and is to be answered as it was written. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/**
 * What `JSON.stringify` would write, and {@link JsonText} as it is: of objects that are read, names such as "10" move to the
 * front, and numbers may lose digits.
 */
export function writeJson(value: unknown): string {
  if (value instanceof JsonText) return value.text
  // Most answers hold none, and nothing of ours is as quick.
  if (!holdsText(value)) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(writeJson).join()}]`
  const members = Object.entries(Object(value)).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`).join()}}`
}

function holdsText(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof JsonText || Object.values(value).some(holdsText)
}
