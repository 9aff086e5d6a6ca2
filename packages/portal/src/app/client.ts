import { Jobyard } from '@jobyard/client'
import { sendFile } from './send-file.ts'

/** `crypto.randomUUID` is there only over TLS and on this machine itself. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

const common = { url: location.origin, newId, sendFile }

/** The server, as whoever is signed in. Its session is a cookie that scripts cannot see. */
export const jobyard = new Jobyard(common)

/** The server, as the bearer of a token. */
export function withToken(token: string): Jobyard {
  return new Jobyard({ ...common, token, retries: 0 })
}
