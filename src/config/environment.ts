/** The process's variables, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface Substituted {
  readonly text: string
  /** Whether at least one variable was put in. */
  readonly isSubstituted: boolean
  readonly problems: readonly { readonly sentence: string; readonly expected: string }[]
}

/** `$${` (a literal `${`), `${NAME}`, or a `${` that is neither. */
const marks = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g

/**
 * Puts variables in: `${NAME}` becomes the variable's value, `$${` becomes `${`. What is put in is not looked at
 * again, so a secret may contain any character. A variable that is set but empty is an empty text.
 */
export function substituteEnvironment(text: string, environment: Environment): Substituted {
  const problems: { sentence: string; expected: string }[] = []
  let isSubstituted = false
  const result = text.replace(marks, (mark, name: string | undefined) => {
    if (mark === '$${') return '${'
    if (name === undefined) {
      const expected = '${NAME} with letters, digits and underscores, or $${ for the characters themselves'
      problems.push({ sentence: 'A ${ is not followed by the name of a variable and a }.', expected })
      return ''
    }
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (value === undefined) {
      problems.push({
        sentence: `The environment variable ${name} is not set.`,
        expected: `${name} in the environment of the server`,
      })
    }
    isSubstituted = true
    return value ?? ''
  })
  return { text: result, isSubstituted, problems }
}
