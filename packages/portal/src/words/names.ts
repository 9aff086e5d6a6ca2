/** The longest name of a job, in characters. */
const LONGEST_NAME = 100

/** What is wrong with a job's name, as it is being typed; undefined when nothing is. */
export function faultOfName(name: string): string | undefined {
  if (name === '') return 'Give it a name.'
  if (!/^[A-Za-z0-9]/.test(name)) return 'Begin with a letter or a digit (A–Z, a–z, 0–9).'
  const foreign = /[^A-Za-z0-9_-]/u.exec(name)
  if (foreign !== null) {
    const sign = foreign[0] === ' ' ? 'a blank' : `“${foreign[0]}”`
    return `Use letters, digits, - and _ only: ${sign} stands at place ${foreign.index + 1}.`
  }
  return name.length > LONGEST_NAME ? `At most ${LONGEST_NAME} characters; this has ${name.length}.` : undefined
}
