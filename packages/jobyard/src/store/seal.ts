import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { JobyardError } from '../domain/errors.ts'

/** A secret value as it lies in the database. */
export interface Sealed {
  /** `v1.` and base64url of the nonce, the authentication tag and the encrypted value. */
  readonly sealed: string
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Encrypts secret values for the time they lie in the database: AES-256-GCM, the place they belong to bound in. */
export class Sealer {
  readonly #key: Buffer

  /** The key: 32 bytes, kept in a file that is never part of a backup. */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new JobyardError('key-invalid')
    this.#key = key
  }

  /** Encrypts a value. `place` names what it belongs to; it can be opened for that alone. */
  seal(value: string, place: string): Sealed {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    cipher.setAAD(Buffer.from(place))
    const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
    return { sealed: `v1.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}` }
  }

  /** Decrypts a value. Throws `secret-unreadable` when the key is another one or the value was tampered with. */
  open({ sealed }: Sealed, place: string): string {
    try {
      const bytes = Buffer.from(sealed.slice(sealed.indexOf('.') + 1), 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
      decipher.setAAD(Buffer.from(place))
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      const body = bytes.subarray(NONCE_BYTES + TAG_BYTES)
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
    } catch (cause) {
      throw new JobyardError('secret-unreadable', `The secret of ${place} cannot be decrypted with this key.`, {
        cause,
      })
    }
  }
}
