/** Secrets shorter than this, in bytes of UTF-8, are not masked: they would blot out ordinary words and numbers. */
export const SHORTEST_SECRET = 4

/** Base64 of a secret inside of something longer is looked for when at least so many of its characters are certain. */
const SHORTEST_CORE = 8

/**
 * Every spelling under which a secret is looked for: its UTF-8 bytes; its base64 (RFC 4648 §4 and §5, with and
 * without padding), also as a part of something longer that was encoded as a whole, such as `user:password`; and its
 * percent-encoding, with capital and small digits, with `%20` and with `+` for a space.
 */
export function secretForms(secrets: readonly string[]): Buffer[] {
  const forms = new Set<string>()
  for (const secret of secrets) {
    const bytes = Buffer.from(secret, 'utf8')
    if (bytes.length < SHORTEST_SECRET) continue
    // latin1 keeps every byte as one character, so a Set can tell the forms apart.
    forms.add(bytes.toString('latin1'))
    for (const form of base64Forms(bytes)) forms.add(form)
    for (const form of percentForms(secret)) forms.add(form)
  }
  return [...forms].map((form) => Buffer.from(form, 'latin1'))
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
