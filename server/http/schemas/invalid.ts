// Turns a failed schema check into a sentence that names the field. Pure.

import type { FastifyError } from 'fastify';

type Found = { readonly field: string; readonly message: string };

const MAX_ERRORS = 8;
/** Where a field stands when it is not in the body. */
const placeNames: Readonly<Record<string, string>> = { querystring: 'query ', params: 'path ', headers: 'header ' };

/** `/recording/segmentSeconds` to `recording.segmentSeconds`. */
function fieldOf(instancePath: string, child?: unknown): string {
  const parts = instancePath.split('/').filter((part) => part !== '');
  if (typeof child === 'string') parts.push(child);
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')).join('.');
}

/**
 * The fields that failed, or `null` when the error is not a failed schema check. Errors that only say "one of the
 * alternatives did not fit" are dropped when a more exact one is there.
 */
export function describeInvalid(error: FastifyError): { detail: string; errors: Found[] } | null {
  if (!error.validation) return null;
  const place = placeNames[error.validationContext ?? ''] ?? '';
  const found = new Map<string, Found>();
  const vague = new Map<string, Found>();
  for (const { keyword, instancePath, params, message } of error.validation) {
    const add = (child: unknown, text: string, into = found) => {
      const field = place + fieldOf(instancePath, child);
      if (!into.has(field)) into.set(field, { field, message: text });
    };
    if (keyword === 'additionalProperties') add(params.additionalProperty, 'is not a known field');
    else if (keyword === 'required') add(params.missingProperty, 'is required');
    else if (keyword === 'enum')
      add(
        undefined,
        `must be one of ${(params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(', ')}`,
      );
    else if (keyword === 'anyOf' || keyword === 'oneOf') add(undefined, 'does not have an allowed form', vague);
    else add(undefined, message ?? 'is not allowed');
  }
  const errors = [...(found.size > 0 ? found : vague).values()].slice(0, MAX_ERRORS);
  const detail = errors.map(({ field, message }) => (field === '' ? `The body ${message}` : `${field} ${message}`));
  return { detail: detail.join('; ') || 'The request is not valid', errors };
}
