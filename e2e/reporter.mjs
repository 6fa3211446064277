// Prints a line for each test and, at the end, how many passed and failed.
export default async function* (events) {
  let passed = 0
  let failed = 0
  for await (const {type, data} of events) {
    if (type === 'test:pass') {
      passed++
      yield `  ok    ${data.name} (${Math.round(data.details.duration_ms)} ms)\n`
    } else if (type === 'test:fail') {
      failed++
      const error = data.details.error
      yield `  FAIL  ${data.name}\n${String((error.cause ?? error).stack ?? error).replace(/^/gm, '        ')}\n`
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      yield data.message
    }
  }
  if (passed === 0) failed++ // it ran nothing
  yield `${passed} passed, ${failed} failed\n`
}
