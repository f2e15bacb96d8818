export interface CatalogueEntry {
  /** What happened, in one sentence, without the facts of the single case. */
  readonly meaning: string
  /** What to do about it. */
  readonly remedy: string
}
