import type { Random } from './random.ts'

/**
 * Puts things of equal rank into the order in which they are to be tried: drawn one after the other, each as likely as its
 * weight is large (RFC 2782, "Weight"). What weighs nothing goes last but for a small chance.
 * @param weightOf - 0 or more.
 */
export function weightedOrder<Item>(
  items: readonly Item[],
  weightOf: (item: Item) => number,
  random: Random,
): readonly Item[] {
  if (items.length < 2) return items
  // RFC 2782: those of weight 0 stand first, so that a draw of 0 may hit them.
  const left = [...items].sort((a, b) => Number(weightOf(a) > 0) - Number(weightOf(b) > 0))
  const ordered: Item[] = []
  while (left.length > 0) {
    const total = left.reduce((sum, item) => sum + weightOf(item), 0)
    const drawn = random.uint32() % (total + 1)
    let sum = 0
    const found = left.findIndex((item) => (sum += weightOf(item)) >= drawn)
    ordered.push(...left.splice(Math.max(0, found), 1))
  }
  return ordered
}
