export type { ServerLimits } from './server-table.ts'
export { TransactionLayer, type TransactionLayerOptions } from './transaction-layer.ts'
export * from './types.ts'
