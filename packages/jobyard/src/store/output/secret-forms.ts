/** Secrets shorter than this, in bytes of UTF-8, are not masked: they would blot out ordinary words and numbers. */
export const SHORTEST_SECRET = 4

/** Base64 of a secret inside of something longer is looked for when at least so many of its characters are certain. */
const SHORTEST_CORE = 8

/** A line of a secret of several lines is masked by itself when it has at least so many bytes of UTF-8. */
const SHORTEST_LINE = 8

/** What encloses keys and certificates (RFC 7468) is no secret. */
const BOUNDARY = /^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/

/**
 * Every spelling under which a secret is looked for: its UTF-8 bytes; its base64 (RFC 4648 §4 and §5, with and
 * without padding), also as a part of something longer that was encoded as a whole, such as `user:password`; its
 * percent-encoding, with capital and small digits, with `%20` and with `+` for a space; and as it stands within a text
 * of JSON (RFC 8259 §7), whatever of it is escaped there. One of several lines is looked for with each of the usual ends
 * of lines, and each of its lines by itself, because programs print a line at a time and indent them.
 */
export function secretForms(secrets: readonly string[]): Buffer[] {
  const forms = new Set<string>()
  for (const secret of secrets) {
    for (const text of withOtherEnds(secret)) {
      const bytes = Buffer.from(text, 'utf8')
      if (bytes.length < SHORTEST_SECRET) continue
      // latin1 keeps every byte as one character, so a Set can tell the forms apart.
      forms.add(bytes.toString('latin1'))
      for (const form of base64Forms(bytes)) forms.add(form)
      for (const form of percentForms(text)) forms.add(form)
      for (const form of jsonForms(text)) forms.add(form)
    }
    for (const line of linesOf(secret)) for (const form of [latin1Of(line), ...jsonForms(line)]) forms.add(form)
  }
  return [...forms].map((form) => Buffer.from(form, 'latin1'))
}

/** A secret as it is, and with each of the usual ends of lines. */
function withOtherEnds(secret: string): readonly string[] {
  const lines = secret.split(/\r\n|\r|\n/)
  if (lines.length === 1) return [secret]
  // Reading a file into a variable, `$(cat key.pem)`, loses the end of its last line.
  return [secret, lines.join('\n'), lines.join('\r\n'), lines.join('\n').trimEnd(), lines.join('\r\n').trimEnd()]
}

/** The lines of a secret that has several, without their indentation; short ones would blot out ordinary words. */
function linesOf(secret: string): readonly string[] {
  const lines = secret.split(/[\r\n]+/).map((line) => line.trim())
  if (lines.length === 1) return []
  return lines.filter((line) => Buffer.byteLength(line) >= SHORTEST_LINE && !BOUNDARY.test(line))
}

/** A text as encoders of JSON write it: what must be escaped; all that is not ASCII, too; slashes; what means something in HTML. */
function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1)
  const ascii = plain.replace(/[^\x20-\x7e]/g, escaped)
  const slashed = [plain, ascii].map((form) => form.replaceAll('/', '\\/'))
  const html = plain.replaceAll('\\"', '\\u0022').replace(/[^\x20-\x7e]|["&'+<>`]/g, escaped)
  const goHtml = plain.replace(/[&<>]/g, escaped)
  const forms = [plain, ascii, ...slashed, html, goHtml]
  const capitals = forms.map((form) => form.replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`))
  return [...forms, ...capitals].map(latin1Of)
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function latin1Of(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function base64Forms(bytes: Buffer): string[] {
  const forms = [bytes.toString('base64'), bytes.toString('base64url')]
  forms.push(forms[0]?.replace(/=+$/, '') ?? '')
  // What comes before the secret shifts it by 0, 1 or 2 bytes within base64's groups of three.
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    const firstCertain = Math.ceil((shift * 8) / 6)
    const firstUncertain = Math.floor(((shift + bytes.length) * 8) / 6)
    const core = encoded.slice(firstCertain, firstUncertain)
    if (core.length >= SHORTEST_CORE) forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return forms
}

function percentForms(secret: string): string[] {
  const component = encodeURIComponent(secret.toWellFormed())
  // RFC 3986 reserves these too, and many encoders therefore do not leave them as encodeURIComponent does.
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const forms = [component, strict]
  for (const form of [...forms]) forms.push(form.replaceAll('%20', '+'))
  for (const form of [...forms]) forms.push(form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))
  return forms
}
