import { JobyardError } from '../../domain/errors.ts'
import { isObject } from '../../domain/plain-object.ts'
import { JsonFault, readJsonObject } from '../../kinds/script/lenient-json.ts'

/**
 * The settings in what Resource Manager sends of a job: `{"properties": {"settings": {…}}}`, as text; undefined when it says
 * nothing of them. Throws 'input-invalid'.
 */
export function readArmSettings(text: string): string | undefined {
  const properties = readObject(text).get('properties')
  if (properties === undefined || !isObject(properties.value)) return undefined
  const settings = readObject(properties.json).get('settings')
  if (settings === undefined) return undefined
  if (!isObject(settings.value)) {
    throw new JobyardError('input-invalid', 'properties.settings must be an object.', { field: 'properties.settings' })
  }
  return settings.json
}

function readObject(text: string): ReturnType<typeof readJsonObject> {
  try {
    return readJsonObject(text)
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    throw new JobyardError('input-invalid', `The body is not valid JSON: ${error.message}.`, { cause: error })
  }
}
