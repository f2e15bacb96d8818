import { record } from './compound-shapes.ts'
import { secret } from './value-shapes.ts'

/** RFC 9110 §5.1 token; the second part keeps headers that would steer the connection out of an operator's typo. */
const headerName =
  /^(?!(?:host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect)$)[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/i

/** Headers that are sent with each request to a program outside. Values stand in no problem: they may be credentials. */
export const requestHeaders = record(
  secret('the value of a header: 1 to 4096 printable characters of ASCII', (value) =>
    /^[\x20-\x7e]{1,4096}$/.test(value) ? undefined : 'The value is empty, too long, or holds other characters.',
  ),
  {
    keyName: 'header name',
    keyExpected: 'the name of an HTTP header that does not steer the connection',
    keyPattern: headerName,
  },
)
