/**
 * A reporter beside the runner's own. At the end it names each case that failed, with what was wrong in one line, and
 * each one that passed only at a second attempt: what `.ci/run` repeats as its last words.
 * @implements {import('vitest/node').Reporter}
 */
export default class AttemptsReporter {
  /** @type {string[]} */
  #lines = []

  /** @param {import('vitest/node').TestCase} testCase */
  onTestCaseResult(testCase) {
    const name = `${testCase.module.relativeModuleId} > ${testCase.fullName}`
    const { state, errors } = testCase.result()
    if (state === 'failed') this.#lines.push(`failed case: ${name}: ${firstLine(errors?.[0]?.message)}`)
    else if (testCase.diagnostic()?.flaky)
      this.#lines.push(`passed at the second attempt: ${name}: ${firstLine(errors?.[0]?.message)}`)
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleEnd(module) {
    for (const { message } of module.errors())
      this.#lines.push(`failed file: ${module.relativeModuleId}: ${firstLine(message)}`)
  }

  onTestRunEnd() {
    // In one piece, with an empty line around it: other writers share the stream.
    if (this.#lines.length > 0) process.stdout.write(`\n${this.#lines.splice(0).join('\n')}\n\n`)
  }
}

/** @param {string | undefined} text */
function firstLine(text) {
  return (text ?? 'no message').split('\n', 1)[0]?.slice(0, 300)
}
