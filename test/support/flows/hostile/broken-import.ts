import type { Flow } from 'switchhook'

const flow: Flow = async (call) => await call.answer()

export default flow

throw new Error('a key of the environment is missing')
