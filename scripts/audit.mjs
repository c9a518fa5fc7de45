// Known holes in what runs, as the registry knows them (`npm audit`). Where the registry does not offer that, it says
// "not checked": silence would look like a clean bill. Exit code 1 for holes of high or critical severity.

import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const TIMEOUT_MS = 60_000;

/** What to print and how to end, from what `npm audit --json` wrote. */
export function judge(stdout) {
  let report = null;
  try {
    report = JSON.parse(stdout);
  } catch {
    // Not a report: below.
  }
  const counts = report?.auditReportVersion ? report.metadata?.vulnerabilities : null;
  if (!counts) {
    const why = String(
      report?.error?.summary || report?.error?.code || report?.message || 'the registry gave no report',
    )
      .split('\n', 1)[0]
      .slice(0, 200);
    return { text: `npm audit: not checked (${why})`, exitCode: 0 };
  }
  const { critical = 0, high = 0, moderate = 0, low = 0 } = counts;
  const text = `npm audit: ${critical} critical, ${high} high, ${moderate} moderate, ${low} low`;
  return { text, exitCode: critical + high > 0 ? 1 : 0 };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const args = ['audit', '--json', '--omit=dev', '--audit=true', '--fetch-retries=0'];
  const { stdout } = spawnSync('npm', args, { encoding: 'utf8', timeout: TIMEOUT_MS });
  const { text, exitCode } = judge(stdout ?? '');
  process.stdout.write(`${text}\n`);
  process.exitCode = exitCode;
}
