/** The time in which the party whom a program talks to has left, and who takes its place is still being called. */
export class Vacancy {
  #filled: Promise<void> | null = null
  #fill: () => void = () => {}

  /** Resolves when somebody is there, or nobody will be; null while there is no vacancy. */
  get filled(): Promise<void> | null {
    return this.#filled
  }

  open(): void {
    this.#filled = new Promise((resolve) => {
      this.#fill = resolve
    })
  }

  fill(): void {
    this.#filled = null
    this.#fill()
  }
}
