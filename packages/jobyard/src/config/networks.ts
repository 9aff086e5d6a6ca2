import { JobyardError } from '../domain/errors.ts'
import { NETWORKS, type Network } from '../outbound/addresses.ts'
import type { ValueType } from './values.ts'

/** Networks that calls may reach: some of their names, or `none`. */
export const networks: ValueType<readonly Network[]> = {
  name: 'networks',
  placeholder: '<networks>',
  read(given) {
    const words = given
      .toLowerCase()
      .split(/[\s,]+/)
      .filter((word) => word !== '')
    if (words.length === 1 && words[0] === 'none') return []
    const unknown = words.find((word) => !isNetwork(word))
    if (unknown === undefined && words.length > 0) return NETWORKS.filter((network) => words.includes(network))
    const hint = `Write some of ${NETWORKS.join(', ')} with commas between them, or none.`
    throw new JobyardError('setting-invalid', `"${unknown ?? given}" is no network that can be allowed.`, { hint })
  },
  show: (value) => (value.length === 0 ? 'none' : value.join(',')),
}

function isNetwork(word: string): word is Network {
  return NETWORKS.some((network) => network === word)
}
