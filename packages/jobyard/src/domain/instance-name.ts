import { createHash } from 'node:crypto'

/** Characters of an instance's name in logs, as many as are shown of the ids that Azure gives its instances. */
const LENGTH = 6

/** How logs and statuses call an instance: six characters, as they are of the ids that Azure gives its instances. */
export function shortName(instance: string): string {
  return createHash('sha256').update(instance).digest('hex').slice(0, LENGTH)
}

/** What logs call an instance whose id the setting WEBSITE_INSTANCE_ID gives. */
export function shortId(instanceId: string): string {
  return instanceId.slice(0, LENGTH).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}
