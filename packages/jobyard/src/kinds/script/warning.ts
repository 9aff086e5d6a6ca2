/** Something that stops no deployment but that people should see: a code for programs, a sentence for people. */
export interface ScriptWarning {
  readonly code: string
  readonly message: string
  /** What it is about, such as a key of settings.job. */
  readonly field?: string
  /** Offset within the text of {@link field}, counted in UTF-16 units from 0. */
  readonly position?: number
}
