/** What an error says, whatever was thrown; one that only gathers others, such as of several addresses, says what they say. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
