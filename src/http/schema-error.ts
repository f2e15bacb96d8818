/** What a validator found; of its parameters those that say more than its message does. */
interface Found {
  readonly keyword?: string
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** One sentence of what is wrong with a request: where, what, and what would be right. @param part - `body`, `querystring`. */
export function schemaError(errors: readonly Found[], part: string): Error {
  // A member that must not be there is told of twice; the other tells its name in words.
  const told = errors.filter(({ keyword }) => keyword !== 'boolean')
  const all = told.length > 0 ? told : errors
  return new Error(all.map((error) => `${part}${error.instancePath} ${wrongIn(error)}`).join(', '))
}

function wrongIn({ message = 'is wrong', params }: Found): string {
  const { allowedValues, additionalProperties } = params
  if (Array.isArray(allowedValues)) return `must be one of ${allowedValues.join(', ')}`
  if (Array.isArray(additionalProperties)) return `must not have ${additionalProperties.join(', ').slice(0, 200)}`
  return message
}
