/**
 * The id of a run as WebJobs write it: 18 digits, the UTC time of its creation to the millisecond and one digit more,
 * which tells runs of the same millisecond apart: the last of the run's number. Sorts as the runs began.
 */
export function webjobsRunId({ createdAt, number }: { readonly createdAt: number; readonly number: number }): string {
  const time = new Date(createdAt).toISOString().replaceAll(/[^0-9]/g, '')
  return `${time}${number % 10}`
}
