/** The deployment slot of an instance that names none. */
export const DEFAULT_SLOT = 'production'
