// Has Google's csp_evaluator look at policies, {"name": "policy", …} on stdin,
// prints what it finds from medium severity up, and fails on anything of high
// severity or with an error of syntax.
//
//	CSP_PRESETS_JSON=presets.json go test -run TestPresetsForCSPEvaluator .
//	npm ci && npm run --silent check < presets.json
import { readFileSync } from 'node:fs';
import { CspEvaluator, DEFAULT_CHECKS, STRICTCSP_CHECKS } from 'csp_evaluator/dist/evaluator.js';
import { Severity } from 'csp_evaluator/dist/finding.js';
import { CspParser } from 'csp_evaluator/dist/parser.js';

const policies = Object.entries(JSON.parse(readFileSync(0, 'utf8')));
if (policies.length === 0) throw new Error('there is no policy on stdin');

// Smaller numbers are worse: HIGH 10, SYNTAX 20, MEDIUM 30, HIGH_MAYBE 40, …
const check = (policy) =>
  new CspEvaluator(new CspParser(policy).csp)
    .evaluate(DEFAULT_CHECKS, STRICTCSP_CHECKS)
    .sort((a, b) => a.severity - b.severity);

for (const [name, policy] of policies) {
  const findings = check(policy);
  const failing = findings.filter(({ severity }) => severity <= Severity.SYNTAX);
  console.log(`${name}: ${failing.length} findings of high severity or syntax, ${findings.length - failing.length} others`);
  for (const { severity, directive, value, description } of findings) {
    if (severity > Severity.MEDIUM && !process.argv.includes('--all')) continue;
    console.log(`  ${Severity[severity]} ${[directive, value].filter(Boolean).join(' ')}: ${description}`);
  }
  if (failing.length > 0) process.exitCode = 1;
}
