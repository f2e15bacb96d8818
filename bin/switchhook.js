#!/usr/bin/env node
// The command line. Built by `npm ci` (the prepare script); `npm run build` builds it again.
import { run } from '../dist/cli/main.js'

process.exitCode = await run(process.argv.slice(2))
